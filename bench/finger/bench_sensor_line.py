"""How long does an impression take, and does it come through a rough line? Budget: all exact at 0.02 % of bytes flipped and 0.02 % lost.

    python -m bench.finger.bench_sensor_line --json OUT [--trials N]

Both halves of the sensor's protocol in virtual time: seconds are what the bytes take and the session waits, not what this machine needs.
Estimate: 40,000 bytes are 3.5 s at 115,200 baud; at 0.04 % one packet in 18 is spoilt, two to three passes fill 288 places. A finger
stays on the glass; an image that is not there after LIMIT_S is given up. 300 trials: one to three minutes.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from bench.stats import commit, host
from hw.finger.host import Contact, Wanted
from hw.finger.messages import PASSWORD_DEFAULT
from hw.finger.picture import R30X, pack
from tests.hw.finger_sensor_bench import Line, picture, rough

COMMAND = "python -m bench.finger.bench_sensor_line --trials {}"
TRIALS = 300
LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Case:
    """rate: share of bytes flipped, and share lost. packet_size: None as delivered, 128."""

    baud: int
    rate: float
    packet_size: int | None = None


CASES = (
    Case(57_600, 0.0),
    Case(115_200, 0.0),
    Case(115_200, 2e-4),
    Case(115_200, 2e-4, 32),
    Case(115_200, 1e-3, 32),
    Case(115_200, 1e-2, 32),
)


def impression(case: Case, seed: int) -> tuple[float, int, bool] | None:
    """Seconds, passes, whether it is exact; None if it was given up."""
    wanted = Wanted(PASSWORD_DEFAULT, packet_size=case.packet_size)
    line = Line(wanted=wanted, baud=case.baud)
    line.ready()
    line.to_host, line.to_sensor = rough(seed, case.rate, case.rate), rough(seed + 1_000_000, case.rate, case.rate)
    line.want()
    line.run(1.0)
    line.sensor.lay(picture(seed))
    laid = line.now
    while not line.images and line.now - laid < LIMIT_S and line.session.contact is Contact.READY:
        line.turn()
    if not line.images:
        return None
    return line.now - laid, line.sensor.uploads, line.images[0] == pack(picture(seed), R30X)


def measure(case: Case, trials: int) -> dict[str, float]:
    if not case.rate:
        trials = 1
    found = [one for seed in range(trials) if (one := impression(case, seed)) is not None]
    seconds = sorted(one[0] for one in found)
    row: dict[str, float] = {"trials": trials, "images": len(found), "inexact": sum(not one[2] for one in found)}
    if found:
        row["passes_mean"] = round(sum(one[1] for one in found) / len(found), 2)
        row["s_p50"], row["s_p99"] = (round(seconds[int(share * (len(seconds) - 1))], 1) for share in (0.5, 0.99))
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    parser.add_argument("--trials", type=int, default=TRIALS, metavar="N")
    arguments = parser.parse_args()
    rows: dict[str, dict[str, float]] = {}
    for case in CASES:
        name = f"{case.baud} baud, {case.rate:.2%}, packets {case.packet_size or 128}"
        rows[name] = row = measure(case, arguments.trials)
        print(f"{name:<36}", "  ".join(f"{what} {value}" for what, value in row.items()), flush=True)
    report = {"command": COMMAND.format(arguments.trials), "rows": rows, "commit": commit(), "host": host()}
    arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
