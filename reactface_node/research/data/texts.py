"""Everyday English sentences, drawn from word lists of our own, of about a wanted length."""

import re

import numpy as np

_PEOPLE = (
    "my sister",
    "my brother",
    "our neighbour",
    "the teacher",
    "her mother",
    "his father",
    "my boss",
    "the doctor",
    "a friend of mine",
    "the whole family",
    "Anna",
    "Peter",
    "that old man",
    "the driver",
    "my cousin",
    "the woman next door",
)
_PRONOUNS = ("I", "you", "we", "they")
_DEEDS = (
    "went to the market",
    "forgot the keys",
    "called me last night",
    "bought a new bicycle",
    "found it under the table",
    "cooked dinner for everyone",
    "lost the ticket",
    "walked along the river",
    "talked about the holiday",
    "saw a fox in the garden",
    "painted the kitchen yellow",
    "missed the last train",
    "fixed the window",
    "waited in the rain",
    "laughed about it",
    "moved to another city",
    "slept all morning",
    "started a new job",
    "wrote a long letter",
    "broke the blue cup",
    "took the wrong bus",
    "made some coffee",
    "helped me with the boxes",
    "sold the car",
    "learned to swim",
    "heard it on the radio",
)
_WISHES = (
    "go home",
    "see the mountains",
    "try that again",
    "ask about the money",
    "stay a bit longer",
    "tell you something",
    "buy a warmer coat",
    "eat something first",
    "open the window",
    "meet them on Friday",
    "read that book",
    "get some sleep",
    "visit the museum",
    "learn the piano",
    "leave before eight",
    "finish the report",
)
_VERBS = ("want to", "need to", "have to", "would like to", "might", "really should", "could never")
_WHEN = (
    "yesterday",
    "last summer",
    "on Monday",
    "this morning",
    "a week ago",
    "after work",
    "in the evening",
    "before lunch",
    "two years ago",
    "every single day",
)
_THINGS = (
    "the weather",
    "that film",
    "the food there",
    "the new office",
    "this town",
    "the meeting",
    "her voice",
    "the journey",
    "his idea",
    "the music",
    "the water",
    "our flat",
    "the whole thing",
    "the dog",
)
_QUALITIES = (
    "good",
    "terrible",
    "so quiet",
    "quite expensive",
    "really nice",
    "much too cold",
    "a little strange",
    "hard to explain",
    "better than before",
    "absolutely lovely",
    "not so bad",
    "very different",
    "incredibly loud",
    "full of people",
)
_ASKED = (
    "Did you know that {p} {d}",
    "Do you {v} {w}",
    "Have you ever been there",
    "What would you do",
    "Why was {t} {q}",
    "Was {t} {q}",
    "Can we {w}",
    "Where did you go {n}",
    "Who told you about {t}",
    "Is that right",
    "You know what I mean",
    "How was {t}",
    "Should I {w}",
)
_SAID = (
    "{p} {d}",
    "{p} {d} {n}",
    "{r} {v} {w}",
    "{t} was {q}",
    "I think {t} is {q}",
    "{r} {d}",
    "{n} {p} {d}",
    "I said that {t} was {q}",
    "there was nothing to do {n}",
    "it was {q}",
    "that is what {p} told me",
    "{r} {v} {w} {n}",
    "I could not believe that {p} {d}",
)
_SHORT = (
    "Yes.",
    "No.",
    "Right.",
    "Okay.",
    "Well.",
    "Sure.",
    "Exactly.",
    "Of course.",
    "I know.",
    "Not really.",
    "I guess so.",
    "That is true.",
    "Never mind.",
    "Maybe tomorrow.",
    "I have no idea.",
    "It was all right.",
    "You never know.",
)
_SHORT_ASKED = (
    "Right?",
    "Really?",
    "You know?",
    "Why?",
    "Okay?",
    "Is it?",
    "What else?",
    "Who was it?",
)
_JOINS = ("and", "but", "because", "so", "when", "and then", "although")
_OPENERS = ("well", "so", "and", "but", "you know", "actually", "I mean", "oh", "anyway")
_HESITATIONS = ("um,", "uh,", "well, um,", "hmm,", "let me think,", "er,")
_TRIES = 6


def draw_text(
    rng: np.random.Generator, syllables: float, asks: bool = False, hesitates: bool = False
) -> str:
    """A sentence of about ``syllables`` syllables; the same generator state gives the same one.

    asks: a question. hesitates: it begins with "um" or the like.
    """
    drawn = [_sentence(rng, syllables, asks, hesitates) for _ in range(_TRIES)]
    return min(drawn, key=lambda text: abs(count_syllables(text) - syllables))


def count_syllables(text: str) -> int:
    """About how many syllables a text has: groups of vowel letters, without a silent e."""
    words = re.findall(r"[a-z]+", text.lower())
    return sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"(?<!l)ed?$", "", w)))) for w in words)


def _sentence(rng: np.random.Generator, syllables: float, asks: bool, hesitates: bool) -> str:
    if syllables < 4.5 and not hesitates:
        return str(rng.choice(_SHORT_ASKED if asks else _SHORT))
    words = str(rng.choice(_HESITATIONS)) + " " if hesitates else ""
    if not hesitates and rng.random() < 0.3:
        words = str(rng.choice(_OPENERS)) + " "
    last = _clause(rng, asks)
    while count_syllables(words + last) < syllables - 5:
        words += f"{_clause(rng, False)} {rng.choice(_JOINS)} "
        last = _clause(rng, False) if asks and rng.random() < 0.5 else last
    starts_anew = asks and words and not last.startswith(("I ", "Anna", "Peter"))
    text = words + (last[0].lower() + last[1:] if starts_anew else last)
    return text[0].upper() + text[1:] + ("?" if asks else ".")


def _clause(rng: np.random.Generator, asks: bool) -> str:
    def one(choices: tuple[str, ...]) -> str:
        return choices[rng.integers(len(choices))]

    return one(_ASKED if asks else _SAID).format(
        p=one(_PEOPLE),
        r=one(_PRONOUNS),
        d=one(_DEEDS),
        v=one(_VERBS),
        w=one(_WISHES),
        n=one(_WHEN),
        t=one(_THINGS),
        q=one(_QUALITIES),
    )
