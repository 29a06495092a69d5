"""The result as text, 100 columns wide; the JSON has the raw numbers, too."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

STAGE_COLUMNS = {
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "gflop": "GFLOP",
    "gflop_per_s": "GFLOP/s",
    "moved_mb": "MB",
    "floor_ms": "floor ms",
    "times_floor": "x floor",
}
CALL_COLUMNS = {"calls": "calls", "p50_ms": "p50 ms", "p99_ms": "p99 ms", "mean_ms": "mean ms"}


def table(result: Mapping[str, Any]) -> str:
    """All sections of a result as text."""
    machine, about = result["machine"], result["about"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine.get('gpu', 'no GPU')}",
        ", ".join(f"{name} {value}" for name, value in machine["packages"].items() if value),
        ", ".join(f"{name}: {value}" for name, value in about.items()),
    ]
    for section, form in FORMS.items():
        if section in result:
            lines += ["", *form(result[section])]
    return "\n".join(lines)


def _pipeline(found: Mapping[str, Any]) -> Iterable[str]:
    yield (
        f"pipeline, as fast as it goes: {found['recording_s']:g} s of the recording at "
        f"{found['real_time_factor']:g} times real time"
    )
    overlapped = found["overlapped"]
    yield (
        f"  overlapped as in a replay: {overlapped['real_time_factor']:g} times real time, "
        f"{overlapped['cores_used']:g} cores"
    )
    yield (
        f"  {found['frames_per_s']:g} frames/s, {found['cores_used']:g} cores, "
        f"{found['memory_mb']:g} MB, a face in {found['face_seen']:.0%}"
    )
    yield from _grid("stage, a call", found["stages"], CALL_COLUMNS)


def _stages(found: Mapping[str, Any]) -> Iterable[str]:
    rates = found["yardsticks"]
    yield (
        f"stages of a window of {found['window_ms']:g} ms in steps of {found['frames_a_step']} "
        f"frames; {found['threads']} threads"
    )
    yield (
        f"  floor: {rates['product_gflop_per_s']:g} GFLOP/s (float32 product of "
        f"{rates['product_size']}), {rates['copy_gb_per_s']:g} GB/s (copy of "
        f"{rates['copied_mb']} MB)"
    )
    yield from _grid("stage", found["stages"], STAGE_COLUMNS)


def _flat(found: Mapping[str, Any]) -> Iterable[str]:
    yield f"one session for {found['simulated_minutes']:g} minutes of simulated time"
    rows = {f"minute {minute}": {**of["window"], **of} for minute, of in found["minutes"].items()}
    columns = {
        "p50_ms": "p50 ms",
        "p99_ms": "p99 ms",
        "to_new_session": "to a new session's",
        "memory_mb": "MB",
    }
    yield from _grid("a window", rows, columns)
    yield (f"  last to first: {found['last_to_first']:g} times, {found['memory_growth_mb']:+g} MB")


def _sessions(found: Mapping[str, Any]) -> Iterable[str]:
    yield (
        f"{found['sessions']} sessions at once, no tracker: together {found['real_time_factor']:g} "
        "times real time"
    )
    yield (
        f"  a window p50 {found['window']['p50_ms']:g} ms, p99 {found['window']['p99_ms']:g} ms; "
        f"{found['memory_mb_a_session']:g} MB a session"
    )
    if "batch" in found:
        batch = found["batch"]
        yield (
            f"  in one batch: {batch['real_time_factor']:g} times real time, a window of all p50 "
            f"{batch['window_of_all']['p50_ms']:g} ms"
        )


def _paced(found: Mapping[str, Any]) -> Iterable[str]:
    first, last = found["memory_mb_first_last"]
    yield f"on the wall clock for {found['seconds']:g} s; {found['pictures']}"
    yield (
        f"  {found['frames']} frames, {found['frames_late']} late; "
        f"{found['windows']} windows, {found['windows_skipped']} skipped"
    )
    if found["latency"]:
        yield (
            f"  last input of a window to its first frame: p50 {found['latency']['p50_ms']:g} ms, "
            f"p99 {found['latency']['p99_ms']:g} ms"
        )
    yield (
        f"  {found['cores_used']:g} cores, {first:g} MB at first, {last:g} MB at last; "
        f"{found['images']} images, {found['images_dropped']} dropped, "
        f"a face in {found['face_seen']:.0%}"
    )


def _compare(found: Mapping[str, Any]) -> Iterable[str]:
    yield (
        f"paper's streaming state beside the released code's history; {found['threads']} "
        "threads, ms"
    )
    rows = {
        f"window {number}": {
            "streaming": of["streaming"]["least_ms"],
            "history": of["history"]["least_ms"],
            "ratio": of["ratio"],
        }
        for number, of in found["windows"].items()
    }
    shown = list(rows)[:: max(1, len(rows) // 12)]
    columns = {name: name for name in ("streaming", "history", "ratio")}
    yield from _grid("", {name: rows[name] for name in shown}, columns)
    clip = found["clip"]
    yield (
        f"  clip of {clip['seconds']:g} s: {clip['streaming_s']:g} s streaming, "
        f"{clip['history_s']:g} s history, ratio {clip['ratio']:g}"
    )
    yield f"  ({clip['how']})"


def _contexts(found: Mapping[str, Any]) -> Iterable[str]:
    yield "seconds of audio that wav2vec 2.0 sees with every window"
    rows = {f"{context} s": {**of["window"], **of} for context, of in found["contexts_s"].items()}
    columns = {"p50_ms": "p50 ms", "p99_ms": "p99 ms", "real_time_factor": "x real time"}
    yield from _grid("context", rows, columns)
    longest = found["longest_real_time_s"]
    yield (
        "  none of them holds real time"
        if longest is None
        else (f"  the longest that holds real time: {longest:g} s")
    )


def _grid(
    first: str, rows: Mapping[str, Mapping[str, Any]], columns: Mapping[str, str]
) -> Iterable[str]:
    """Names at the left, numbers at the right."""
    heads = [first, *columns.values()]
    cells = [[name, *(_number(row.get(key)) for key in columns)] for name, row in rows.items()]
    widths = [max(len(line[at]) for line in [heads, *cells]) for at in range(len(heads))]
    for line in [heads, *cells]:
        yield "  " + _line(line, widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    numbers = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return "  ".join([cells[0].ljust(widths[0]), *numbers])


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


FORMS = {
    "pipeline": _pipeline,
    "stages": _stages,
    "flat": _flat,
    "sessions": _sessions,
    "paced": _paced,
    "compare": _compare,
    "contexts": _contexts,
}
