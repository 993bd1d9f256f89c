"""What the System view says: services, the engine and what runs on it, GPUs, findings, load."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfaas_tui.doctor import Finding
from hfaas_tui.ui.model import Gpu, Health, Machine, Target
from hfaas_tui.ui.safe import clip, clock
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.gauge import course, gauge, tone
from hfaas_tui.ui.widgets.spark import spark
from hfaas_tui.ui.widgets.textpane import Line
from hfaas_tui.units import size

WORDS = {
    "lambda": "invokes functions, in containers or processes of this machine",
    "batch": "runs jobs: queues, compute environments, arrays, GPUs",
    "s3": "keeps buckets in the state folder, and tells functions of objects",
    "onedata": "plays a Oneprovider: spaces, CDMI, tokens",
    "logs": "keeps what functions and jobs write",
    "events": "runs schedules and rules",
    "cloudformation": "brings stacks up, changes them and takes them down",
    "iam": "knows roles; permissions of triggers are checked, others are not",
}
_FIRST = ("lambda", "batch", "s3", "onedata", "logs", "events")
_MARKS = {"ok": ("✓", "ok"), "note": ("!", "warn"), "bad": ("✗", "err")}


@dataclass(frozen=True, slots=True)
class Service:
    """One service of the emulator."""

    name: str
    is_up: bool
    address: str
    requests: int | None


def services(system: Mapping[str, Any], health: Health, target: Target, *, has_spaces: bool) -> list[Service]:
    """Return the services, those that people ask for first; those known before when nothing answers now."""
    requests = system.get("requests") or {}
    names = list(system.get("services") or ())
    names += ["onedata"] if names and has_spaces and "onedata" not in names else []
    names.sort(key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
    port = ":" + target.place.rpartition(":")[2] if target.place else "-"
    return [Service(name, health.is_up, port, requests.get(name)) for name in names]


# --- the engine


def engine(
    system: Mapping[str, Any], machine: Machine, health: Health, now: float, functions: int, width: int
) -> Iterator[Line]:
    """Say what functions run in, what runs, and what waits."""
    about = system.get("engine") or health.status.get("engine") or {}
    has_images = bool(about.get("runs_images"))
    mark = Part("✓" if has_images else "!", "ok" if has_images else "warn")
    yield (
        Part(" engine    ", "dim"),
        Part(f"{about.get('name', '-')} "),
        mark,
        Part(f" {about.get('detail', '')}", "dim"),
    )
    if machine.disk_total:
        used = machine.disk_total - machine.disk_free
        share = used / machine.disk_total
        yield Part(" disk      ", "dim"), Part(f"{size(used)} of {size(machine.disk_total)}", tone(share))
    yield (
        Part(" limits    ", "dim"),
        Part(_limits(system)),
        Part(f"   {functions} function{'' if functions == 1 else 's'}", "dim"),
    )
    boxes = list(system.get("containers") or ())
    yield Part(" running   ", "dim"), Part(f"{len(boxes)}" if boxes else "nothing", "run" if boxes else "dim")
    for each in boxes[:8]:
        yield (Part("  ▶ ", "run"), Part(box(each, now, max(10, min(24, width - 32)))))
    if len(boxes) > 8:
        yield (Part(f"    and {len(boxes) - 8} more: 3 shows them", "dim"),)
    for each in system.get("queues") or ():
        yield tuple(queue(each))


def _limits(system: Mapping[str, Any]) -> str:
    machine = system.get("machine") or {}
    words = [f"{system['concurrency']} at once"] if system.get("concurrency") else []
    if machine.get("vcpus"):
        words.append(f"jobs {machine['vcpus']:g} vCPUs {machine.get('memory_mb', 0):,} MB")
    return ", ".join(words) or "-"


def box(each: Mapping[str, Any], now: float, width: int) -> str:
    """Say what a container is and uses."""
    cpu = "  -  " if each.get("cpu") is None else f"{float(each['cpu']):>4.0%}"
    memory = "-" if each.get("memory_mb") is None else size(float(each["memory_mb"]) * (1 << 20))
    gpus = "".join(f" gpu{index}" for index in each.get("gpus") or ())
    name = clip(str(each.get("function") or each.get("name") or "-"), width)
    since = clock(now - float(each.get("since") or now))
    return f"{str(each.get('id', ''))[:4]} {name:<{width}} cpu {cpu} {memory:>7}{gpus} {since}"


def queue(each: Mapping[str, Any]) -> Iterator[Part]:
    """Say how many jobs a queue has, and how much may run at once."""
    jobs = each.get("jobs") or {}
    running = sum(jobs.get(name, 0) for name in ("STARTING", "RUNNING"))
    waiting = sum(jobs.get(name, 0) for name in ("SUBMITTED", "PENDING", "RUNNABLE"))
    most = sum(int(env.get("max_vcpus") or 0) for env in each.get("environments") or ())
    is_on = each.get("state") == "ENABLED"
    yield Part(" queue     ", "dim")
    yield Part("✓ " if is_on else "■ ", "ok" if is_on else "warn")
    yield Part(f"{each.get('name')}  ")
    yield Part(f"{running}▶ {waiting}◌", "run" if running else "dim")
    yield Part(f"  of {most} vCPUs" if most else "", "dim")


# --- panels


def gpus(machine: Machine, health: Health, system: Mapping[str, Any], *, is_wide: bool) -> Iterator[Line]:
    """Say how busy each GPU is, or why there is none."""
    if not machine.gpus:
        detail = (health.status.get("gpus") or system.get("gpus") or {}).get(
            "detail"
        ) or "none that containers could use"
        yield Part(" - ", "dim"), Part(str(detail), "dim"), Part("   g says more", "dim")
    for each in machine.gpus:
        yield tuple(gpu(each, is_wide=is_wide))
        users = " · ".join(users_of(each.index, system))
        is_full = each.memory_total and each.memory_used / each.memory_total >= 0.98
        if users or is_full:
            used = Part(f"    used by {users}   " if users else "    ", "dim")
            yield used, Part("! memory is full" if is_full else "", "warn")


def users_of(index: int, system: Mapping[str, Any]) -> Iterator[str]:
    """Yield what runs on a GPU."""
    for each in system.get("containers") or ():
        if index in (each.get("gpus") or ()):
            yield f"{str(each.get('id'))[:4]} {each.get('function') or each.get('name')}"


def gpu(each: Gpu, *, is_wide: bool) -> Iterator[Part]:
    """Say how busy a GPU is."""
    cells = 10 if is_wide else 5
    share = each.memory_used / each.memory_total if each.memory_total else 0
    name = each.name if is_wide else each.name.removeprefix("NVIDIA ")
    yield Part(f" {each.index}  {clip(name, 24 if is_wide else 14)}")
    yield Part(f"   driver {each.driver}" if is_wide and each.driver else "", "dim")
    yield Part(
        f"   util {gauge(each.utilisation, cells)} {each.utilisation:.0%}", "run" if each.utilisation else ""
    )
    memory = f"{each.memory_used / (1 << 30):.1f}/{each.memory_total / (1 << 30):.1f} GiB"
    yield Part(f"   mem {gauge(share, cells)} {memory}", tone(share))
    yield Part(f"   {each.temperature} °C" if each.temperature else "")
    yield Part(f"   {each.power_w:.0f} W" if is_wide and each.power_w else "", "dim")


def doctor(findings: Sequence[Finding] | None) -> Iterator[Line]:
    """Say what was found on this machine, what is bad first."""
    if findings is None:
        yield (Part(" looking at this machine…", "dim"),)
        return
    order = ("bad", "note", "ok")
    for each in sorted(findings, key=lambda found: order.index(found.level)):
        glyph, its = _MARKS[each.level]
        yield (
            Part(f" {glyph} ", its),
            Part(f"{each.subject:<17} "),
            Part(each.text, "" if each.level != "ok" else "dim"),
        )


def load(machines: Sequence[Machine], rates: Mapping[str, Sequence[float]], own: str, width: int) -> Iterator[Line]:
    """Show how the last minutes went."""
    cells = 24 if width >= 110 else 13
    now = machines[-1] if machines else Machine()
    left = [
        ("cpu", [each.cpu for each in machines], now.cpu),
        ("mem", [each.memory for each in machines], now.memory),
    ]
    if now.gpus:
        left.append(("gpu", [_busy(each.gpus) for each in machines], _busy(now.gpus)))
    right = [(name, spark(list(values), cells).rjust(cells, "▁"), values) for name, values in rates.items()]
    for number in range(max(len(left), len(right) + 1)):
        parts: list[Part] = []
        if number < len(left):
            name, shares, last = left[number]
            parts += [Part(f" {name}   ", "dim"), Part(course(shares, cells), "run"), Part(f"  {last:>4.0%}     ")]
        else:
            parts.append(Part(" " * (cells + 18)))
        if number < len(right):
            name, blocks, values = right[number]
            parts += [
                Part(f"{name:<12}", "dim"),
                Part(blocks, "run"),
                Part(f" {values[-1] if values else 0:>6,.0f}"),
            ]
        elif number == len(right):
            parts += [Part("ui          ", "dim"), Part(own)]
        yield tuple(parts)


def _busy(gpus_: Iterable[Gpu]) -> float:
    shares = [each.utilisation for each in gpus_]
    return sum(shares) / len(shares) if shares else 0.0
