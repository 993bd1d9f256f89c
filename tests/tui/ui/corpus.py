"""Texts that try to steer a terminal, break a row or end the app; each that says something to a terminal says PWNED."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any

from tests.tui.ui.world import NOW, FakeBackend, sample

from hfaas_tui.ui.model import Condition, Gpu, Health, LogLine, Machine, RunDetail, Step, Target, Task

MARK = "PWNED"

CLIPBOARD = "\x1b]52;c;UFdORUQ=\x07"
"""PWNED, as the clipboard sequence carries it."""

SEQUENCES = {
    "clipboard": "a\x1b]52;c;UFdORUQ=\x07b",
    "clipboard ended by ST": "a\x1b]52;c;UFdORUQ=\x1b\\b",
    "clipboard never ended": "a\x1b]52;c;UFdORUQ=",
    "clipboard in C1": "a\x9d52;c;UFdORUQ=\x9cb",
    "title": "a\x1b]0;PWNED\x07b",
    "title ended by ST": "a\x1b]2;PWNED\x1b\\b",
    "title broken off": "a\x1b]0;PWNED\x1b[31mb",
    "link": "a\x1b]8;;http://PWNED.invalid\x1b\\b\x1b]8;;\x1b\\",
    "clear": "a\x1b[2J\x1b[3J\x1b[Hb",
    "cursor": "a\x1b[1;1HPWNED\x1b[10A\x1b[99D",
    "colours": "a\x1b[31;7mPWNED\x1b[0m",
    "report": "a\x1b[6n\x1b[c\x1b[>q\x1bZb",
    "modes": "a\x1b[?1049l\x1b[?25l\x1b[?2026h\x1b[4hb",
    "CSI in C1": "a\x9b2J\x9b1;1HPWNED",
    "DCS": "a\x1bP+q5057\x1b\\b\x90PWNED\x9c",
    "APC": "a\x1b_GPWNED\x1b\\b\x9fPWNED\x9c",
    "PM": "a\x1b^PWNED\x1b\\b\x9ePWNED\x9c",
    "SOS": "a\x1bXPWNED\x1b\\b\x98PWNED\x9c",
    "reset": "a\x1bcb\x1b7\x1b8\x1b(0b",
    "bare escape": "a\x1b",
    "nested": "a\x1b\x1b]0;\x1b]52;c;UFdORUQ=\x07\x07b",
}

CHARACTERS = {
    "bidi override": "exe.\u202egpj.PWNED\u202c",
    "bidi isolate": "a\u2066b\u2067c\u2068d\u2069e\u061cf\u200eg\u200fh",
    "no width": "a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg\u180eh",
    "tags": "a" + "".join(chr(0xE0000 + ord(each)) for each in MARK) + "b",
    "fillers": "a\u3164b\u115fc\uffa0d\u034fe\u2800f",
    "separators": "a\u2028b\u2029c\x85d\u00a0e\u3000f",
    "lines": "a\nb\r\nc\rd\n\nPWNED",
    "other controls": "a\x00b\x07c\x08d\x0be\x0cf\x0eg\x0fh\x7fi\x05j",
    "backspaces": "safe\x08\x08\x08\x08PWNED",
    "tabs": "a\tb\t\tc",
    "towers": "a" + "\u0301\u0336\u0489\u20dd" * 200 + "b",
    "wide": "漢" * 300,
    "wide and narrow": "a" + "漢é" * 150,
    "emoji": "👩\u200d👩\u200d👧\u200d👦🏳\ufe0f\u200d🌈☁\ufe0f🇪🇸👍🏽",
    "private": "a\ue000b\U000f0000c",
    "no characters": "a\ud800b\udc80c\uffffd",
    "musical": "a\U0001d173b\U000e0001c\u0600d",
}

WORDS = {
    "bold": "[bold",
    "bold closed": "[bold]x[/bold]",
    "path in brackets": "path [/etc] failed [bold",
    "action": "[@click=app.quit]x[/]",
    "link in brackets": "[link=http://PWNED.invalid]x[/link]",
    "colour in brackets": "[red on blue]x",
    "closing": "[/]",
    "escaped": "\\[bold]\\",
    "format": "{0} {x!r} %s %(a)s $a ${a}",
    "shell": "$(touch PWNED) `x`; rm -rf *",
    "pattern": "(a+)+$",
    "yaml": "a: [b, {c: &d *d}] # !!python/object:x",
    "traversal": "../../../etc/passwd",
    "empty": "",
    "spaces": "   ",
}

LONG = {"long": "x" * 90_000, "long of sequences": "\x1b[31m" * 18_000 + MARK, "long of wides": "漢" * 30_000}

CORPUS = {**SEQUENCES, **CHARACTERS, **WORDS, **LONG}
TEXTS = tuple(CORPUS.values())
SHORT = tuple(text for text in TEXTS if len(text) < 1000)

EVERYTHING = " ".join(text for text in SHORT if "never ended" not in text and text != "a\x1b")
"""As many of them as one text can hold."""


def raw(text: str) -> bytes:
    """Return a text as a program might write it, C1 as single bytes too."""
    return text.encode("utf-8", "surrogatepass") + b" \x9b2J\x9d0;PWNED\x9c \xff\xfe"


def hostile() -> FakeBackend:
    """Return a world in which every text from outside is hostile."""
    backend = sample()
    _functions(backend)
    _runs(backend)
    _objects(backend)
    backend.lines = [
        LogLine(NOW - 30, name, f"{number}{text[:40]}", text[:8], raw(text))
        for number, text in enumerate(TEXTS)
        for name in (next(iter(backend.has)), text[:60])
    ]
    backend.status = {
        "engine": {"name": EVERYTHING, "runs_images": True},
        "version": CLIPBOARD,
        "services": list(SHORT),
        "requests": dict.fromkeys(SHORT, 7),
        "containers": [{"id": text, "name": text, "function": text, "gpus": [text]} for text in SHORT],
        "queues": [{"name": text, "state": text} for text in SHORT],
        "gpus": {"detail": EVERYTHING},
    }
    return backend


def _functions(backend: FakeBackend) -> None:
    model = next(iter(backend.has.values()))
    for number, text in enumerate(SHORT):
        name = f"{text}-{number}"
        backend.has[name] = dataclasses.replace(
            model,
            name=name,
            image=text,
            digest=text,
            stack=text,
            script=text,
            reason=text,
            state=Condition.FAILED if number % 2 else Condition.DRIFT,
            inputs=(f"s3://{text}",),
            outputs=(f"s3://{text}/out", f"onedata://{text}"),
            urls=(text,),
            environment=MappingProxyType({text: text, "PLAIN": text}),
        )


def _runs(backend: FakeBackend) -> None:
    states = (Condition.FAILED, Condition.OK, Condition.QUEUED, Condition.TIMED_OUT)
    model = backend.runs[4]
    for number, text in enumerate(TEXTS):
        found = dataclasses.replace(
            model,
            id=f"{number}{text}",
            function=text,
            kind="job" if number % 3 == 0 else "invocation",
            state=states[number % 4],
            origin=text,
            error_type=text,
            message=text,
            cause=text,
            job=text if number % 5 == 0 else "",
            queue=text,
            outputs=(text, f"s3://{text}/x"),
            log_group=text,
            log_stream=text,
        )
        backend.runs.append(found)
        step = Step(NOW - 30, text[:20], text, Condition.OK, found.id, number)
        backend.steps.append(step)
        backend.details[found.id] = RunDetail(
            found,
            event='{"key": "' + text + '"}',
            environment=MappingProxyType({text: text}),
            steps=(step,),
            lines=(text, text),
            story=((text[:20], text),),
        )


def _objects(backend: FakeBackend) -> None:
    backend.spots = [*backend.spots, *(f"s3://{text}" for text in SHORT), f"onedata://{EVERYTHING}"]
    for number, text in enumerate(SHORT):
        backend.objects[f"s3://hostile/{text}{number}.txt"] = raw(text)
        backend.objects[f"s3://hostile/{text}/{number}"] = b"x"
        backend.stories[f"s3://hostile/{text}{number}.txt"] = (text, [Step(NOW, text[:9], text, run=text)])
    everything = "\n".join(SHORT)
    backend.spots.append("s3://hostile")
    backend.objects["s3://hostile/0.json"] = (
        b'{"'
        + EVERYTHING.encode("utf-8", "replace").replace(b'"', b"")
        + b'": [1, "\\u001b]0;PWNED\\u0007\\u202e"]}'
    )
    backend.objects["s3://hostile/1.csv"] = ("a,b\n" + "\n".join(f'"{each}",x' for each in SHORT)).encode(
        "utf-8", "replace"
    )
    backend.objects["s3://hostile/2.txt"] = raw(everything)
    backend.objects["s3://hostile/3.bin"] = bytes(range(256)) * 8
    backend.objects["s3://hostile/4.png"] = b"\x89PNG\r\n\x1a\n" + raw(everything)


def everywhere(store: Any) -> None:
    """Put hostile texts where no feed brings them."""
    store.set_health(Health(is_up=True, status=MappingProxyType({"engine": {"name": EVERYTHING}})))
    store.set_machine(Machine(gpus=(Gpu(0, EVERYTHING, driver=EVERYTHING),)))
    store.set_target(Target("local", EVERYTHING, EVERYTHING, EVERYTHING))
    for number, text in enumerate(TEXTS):
        store.put_task(Task(10_000 + number, "upload", text, 1, 2, Condition.FAILED, text))
