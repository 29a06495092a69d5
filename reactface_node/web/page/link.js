// The WebSocket to the node: frames and news in, commands out; it connects again by itself.

const SHORTEST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 4000;
// The node's numbers come every second: without any it is gone, even where the network does not
// say so.
const SILENT_MS = 5000;
const COEFFICIENTS = 58;

export class Link {
  #url;
  #handlers;
  #socket = null;
  #waitMs = SHORTEST_WAIT_MS;
  #heardMs = 0;

  // handlers: frame(robot, person) with 58 numbers each, news(object), state(connected).
  constructor(url, handlers) {
    this.#url = url;
    this.#handlers = handlers;
    this.#connect();
    setInterval(() => this.#check(), 1000);
  }

  // {do, value}; false while there is no connection.
  send(command) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(command));
    return true;
  }

  #connect() {
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    this.#heardMs = performance.now();
    socket.onopen = () => {
      this.#waitMs = SHORTEST_WAIT_MS;
      this.#handlers.state(true);
    };
    socket.onmessage = (event) => {
      this.#heardMs = performance.now();
      this.#take(event.data);
    };
    socket.onclose = () => this.#lose();
    this.#socket = socket;
  }

  #take(data) {
    if (typeof data === "string") {
      this.#handlers.news(JSON.parse(data));
      return;
    }
    const numbers = new Float32Array(data);
    if (numbers.length !== 2 * COEFFICIENTS) return;
    this.#handlers.frame(numbers.subarray(0, COEFFICIENTS), numbers.subarray(COEFFICIENTS));
  }

  // Also while it is still connecting, which may take minutes where nobody answers.
  #check() {
    if (this.#socket && performance.now() - this.#heardMs > SILENT_MS) this.#lose();
  }

  #lose() {
    const socket = this.#socket;
    this.#socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#handlers.state(false);
    setTimeout(() => this.#connect(), this.#waitMs);
    this.#waitMs = Math.min(2 * this.#waitMs, LONGEST_WAIT_MS);
  }
}
