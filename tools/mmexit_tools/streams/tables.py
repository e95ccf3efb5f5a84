"""The tables of docs/results/adaptation.md, from what scenes came to."""

from __future__ import annotations

from .courses import FIXED, FOLLOWS, TRIED, Course, Sum, grouped, table
from .turns import SENTINEL, VOICE_KEPT, beside, budgets, savings
from .verdicts import SETTLED, USELESS, still_worth, verdicts


def regret(follows: Sum, fixed: list[Sum], worth: float) -> str:
    """Share of (best - worst fixed order) that following falls short of the best; below 0 where it beats both."""
    values = [f.value(worth) for f in fixed]
    spread = max(values) - min(values)
    lost = max(values) - follows.value(worth)
    return f"{100 * lost / spread:.1f} %" if spread > 1e-6 else "-"


def regrets(courses: list[Course]) -> str:
    rows = []
    for (scene, prevalence, _, worth), by in grouped(courses).items():
        for number, phase in enumerate(by[FOLLOWS].phases):
            settled = phase.start if number == 0 else min(phase.end, phase.start + SETTLED)
            cells = []
            for start, end in ((phase.start, settled), (settled, phase.end)):
                if end - start < 60:
                    cells.append("-")
                    continue
                cells.append(regret(by[FOLLOWS].sum(start, end), [by[v].sum(start, end) for v in FIXED], worth))
            values = [f"{1000 * by[v].sum(phase.start, phase.end).value(worth):.1f}" for v in (FOLLOWS, *FIXED)]
            rows.append([scene, f"{prevalence} %", f"{worth:g} J", phase.name, *values, *cells])
    return table(["scene", "events", "worth", "phase", "follows, mJ", "audio first, mJ", "image first, mJ",
                  "regret, first 15 min", "regret after"], rows)


def tried(courses: list[Course]) -> str:
    """Phase by phase, what following makes of the scenes in which it falls short, as it is and with less."""
    rows = []
    for (scene, prevalence, _, worth), by in grouped(courses).items():
        if worth != min(c.worth for c in courses) or not all(v in by for v in TRIED):
            continue
        for number, phase in enumerate(by[FOLLOWS].phases):
            settled = phase.start if number == 0 else min(phase.end, phase.start + SETTLED)
            for way in (FOLLOWS, *TRIED, FIXED[0]) if phase.end - settled >= 60 else ():
                part, told = by[way].sum(settled, phase.end), by[way].heard(settled, phase.end)
                share = regret(part, [by[v].sum(settled, phase.end) for v in FIXED], worth)
                rows.append([scene, f"{prevalence} %", phase.name, way, share, f"{told[0]} of {told[1]}",
                             f"{part.watts:.3f}"])
    return table(["scene", "events", "phase", "way", "regret after", "commands heard", "W"], rows)


def following(courses: list[Course]) -> str:
    rows = []
    for course in courses:
        if course.variant != FOLLOWS or course.scene == "steady":
            continue
        for phase in course.phases[1:]:
            changes = course.changes(phase.start, phase.end)
            first = changes[0] if changes else None
            what = f"{', '.join(first['order'])}; asked: {', '.join(first['asked'])}" if first else "nothing changed"
            after = f"{(first['at_s'] - phase.start) / 60:.1f} min" if first else "-"
            rows.append([course.scene, f"{course.prevalence} %", f"{course.worth:g} J", phase.name, after, what,
                         str(len(changes))])
    return table(["scene", "events", "worth", "phase", "first change after", "to", "changes in the phase"], rows)


def shares(courses: list[Course]) -> str:
    rows = []
    for course in courses:
        if course.variant not in (FOLLOWS, FIXED[0]) or course.scene not in USELESS:
            continue
        name, sensor = USELESS[course.scene]
        phase = next(p for p in course.phases if p.name == name)
        cells = []
        for start, end in ((phase.start, phase.start + SETTLED), (phase.start + SETTLED, phase.end)):
            part = course.sum(start, end)
            cells.append(f"{100 * part.asked[sensor] / part.all:.1f} %")
        rows.append([course.scene, f"{course.prevalence} %", f"{course.worth:g} J", course.variant, sensor, *cells])
    return table(["scene", "events", "worth", "configuration", "useless sensor",
                  "its encoder in windows, first 15 min", "after"], rows)


def whole(courses: list[Course]) -> str:
    rows = []
    for course in courses:
        score, end = course.result["score"], course.phases[-1].end
        part = course.sum(0, end)
        heard, told = course.heard()
        voice = course.voice()
        saved = score["avoidable_saved"]
        rows.append([course.scene, f"{course.prevalence} %", f"{course.worth:g} J", course.variant,
                     f"{part.watts:.3f}", f"{heard} of {told}", f"{voice[0]} of {voice[1]}", str(score["false"]),
                     f"{100 * part.right / max(1, part.windows):.2f} %",
                     f"{100 * part.event_right / max(1, part.event_windows):.1f} %",
                     f"{100 * score['energy_saved']:.1f} %", "-" if saved is None else f"{100 * saved:.1f} %",
                     f"{1000 * part.value(course.worth):.1f}"])
    return table(["scene", "events", "worth", "configuration", "W", "commands heard", "of those with a voice",
                  "false events", "windows right", "of those with a command", "energy saved",
                  "of what can be avoided", "value a window, mJ"], rows)


def report(courses: list[Course], benches: list[tuple[str, str]]) -> str:
    well = "".join(f"\n{said}.\n" for said in still_worth(courses).values())
    told = "\n\n".join(f"`{command}`:\n\n```\n{said.strip()}\n```" for command, said in benches)
    days = f"## Resampled days and the time a plan takes\n\n{told}\n" if told else ""
    without = "" if told else "--no-benches "
    return f"""# How order and sensors follow the scene

Written by `tools/adaptation --data DATA --work WORK {without}--out docs/results/adaptation.md`; every figure
was measured by it. Scenes are made of held-out people, hands and rooms (`tools/scenes`), and played through the
daemon's pipeline with `config/live.conf` and the changes that a row names. Energy is modelled, of a Raspberry Pi 4.

How to read it:
- *events*: share of the time in which a command is given. *worth*: of a right answer, a window
  (`value-of-right-answer`).
- *value*: a right answer's worth less what was spent, a window. A window is right where its answer is what was said
  or shown, `none` where nothing was; one that a command fills by less than half, and does not show in, is left out.
- *regret*: what following loses against the phase's better fixed order, as a share of (better - worse). It
  decides by audits, whose reference is fused answers, never by this truth.
- *follows*: `reorder = yes`. *audio first*, *image first*: a fixed order. *always everything*: both sensors awake,
  every exit run, fusion answers.

## What was wanted

{verdicts(courses)}

## Regret by phase

{regrets(courses)}

## Where it falls short, and what was tried

Value counts windows, and people count commands: awake a little longer and looking again sooner after an event, a
camera sees more of them, and pays for it. From 15 minutes after a change:

{tried(courses)}

## How soon

{following(courses)}

## A sensor that tells nothing

{shares(courses)}
{well}
## What listening costs, and what it saves

Of the voice commands that always everything hears, {100 * VOICE_KEPT:.0f} % at least are to be heard. *saved of
what can be*: what is never saved is the listening sensor's power and the others' sleep. Turns beside it hear as many.
*a look a minute*: full checks every 60 s, also after an event. *with a sentinel*: always everything over what
follows, if a microphone behind a microcontroller listened in the sound card's place for {SENTINEL:g} W (assumed), and
heard the same.

{savings(courses)}

## Beside turns, fixed orders and an oracle

Turns answer windows in a share of the time, whatever happens in it: *random gate* and *fixed duty cycle* with
all sensors, in stretches of 2 or 8 s, whichever hears most; *camera by chance* and *by the clock* with the
microphone always awake. A sensor that takes turns is charged from its wake on, a microphone for the second before
its first window. Turns and the oracle (of each window the cheapest exit that is right; no wake costs it anything)
are replayed from what every exit said in *always everything*, of which each exit's class and its probability are
kept: *everything, replayed* against *always everything* shows what that changes.

{beside([c for c in courses if c.worth == min(x.worth for x in courses)])}

## Budgets

Four hours of the same day. The highest hour is of any 60 successive minutes: windows that are due while a sensor
wakes join the next one, so that as many answered windows as an hour has periods take longer than an hour.
With any budget the planner takes the setting with most windows right on the audits, of equals the cheaper: windows,
not commands.

{budgets(courses)}

## Whole scenes

{whole(courses)}

{days}"""
