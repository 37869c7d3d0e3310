"""The bill of a month in which nobody calls, from what the template declares: `costs.py` fails when infra/README.md says another one.

`costs.py --write` writes it there.
"""

import json
import sys
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parent.parent
DAYS = 30
SECONDS = DAYS * 24 * 3600
# List prices of us-east-1 in USD, as published in 2025, and what every account has free of them each month, for ever.
ALARM, ALARMS_FREE = 0.10, 10
QUEUE_CALL, QUEUE_CALLS_FREE = 0.40e-6, 1_000_000
FIFO_CALL = 0.50e-6
RUN, RUN_SECOND, RUNS_FREE = 0.20e-6, 0.25 * 0.0000133334, 1_000_000
TICK, TICKS_FREE = 1.00e-6, 14_000_000
READ = 0.125e-6
# Read units of a tick with nothing to do, as tests/it/costs.rs counts them; a partition that has nothing costs half a unit.
READS = {"audit": 1, "deliver-events": 16, "erase-traces": 0.5, "expire-credit": 8, "expire-orders": 16, "expire-promotions": 16,
         "mature-commissions": 16, "poll-payments": 24, "reconcile": 218, "sign-heads": 2, "sweep-outbox": 32}
# Lambda asks a queue with five long polls at once, each of twenty seconds.
POLLS = 5 * SECONDS / 20
# A tick with nothing to do, at 256 MB, and what it and Lambda write about it.
TICK_SECONDS = 0.05
TICK_BYTES = 1_000
# What the schedules tell CloudWatch although nobody calls: the age of the outbox, the auditor's findings, the depth of the review queue.
METRICS = ("OutboxAge", "AuditFindings", "ReviewQueueDepth")
METRIC, METRICS_FREE = 0.30, 10
LOG_GIGABYTE, LOG_GIGABYTES_FREE = 0.50, 5


def rate(expression):
    count, unit = expression.removeprefix("rate(").removesuffix(")").split(" ")
    return int(count) * {"minute": 60, "hour": 3600, "day": 86400}[unit.rstrip("s")]


def counted(number):
    return f"{number:,.0f}".replace(",", " ")


def written(name):
    """Whether a metric of this name is told anywhere in the code."""
    return any(f'"{name}"' in path.read_text() for path in (ROOT / "shared/src").rglob("*.rs"))


def table():
    unknown = [name for name in METRICS if not written(name)]
    if unknown:
        sys.exit(f"nobody tells these metrics: {unknown}")
    template = yaml_parse((ROOT / "template.yaml").read_text())
    resources = template["Resources"].values()
    events = [event for one in resources for event in one.get("Properties", {}).get("Events", {}).values()]
    schedules = [event["Properties"] for event in events if event["Type"] == "ScheduleV2"]
    often = {json.loads(one["Input"])["schedule"]: SECONDS / rate(one["ScheduleExpression"]) for one in schedules}
    ticks = sum(often.values())
    reads = sum(times * READS[schedule] for schedule, times in often.items())
    fifo = [name for name, one in template["Resources"].items() if one.get("Properties", {}).get("FifoQueue")]
    consumed = [event["Properties"]["Queue"]["Fn::GetAtt"][0] for event in events if event["Type"] == "SQS"]
    alarms = sum(one["Type"] == "AWS::CloudWatch::Alarm" for one in resources)
    logs = ticks * TICK_BYTES / 1e9
    first_in = sum(name in fifo for name in consumed)
    polls = len(consumed) * POLLS
    rows = [
        ("alarms", f"{alarms}", alarms * ALARM, max(alarms - ALARMS_FREE, 0) * ALARM),
        ("metrics that schedules tell", f"{len(METRICS)}", len(METRICS) * METRIC, max(len(METRICS) - METRICS_FREE, 0) * METRIC),
        ("polls of queues", f"{counted(polls)}", first_in * POLLS * FIFO_CALL + (len(consumed) - first_in) * POLLS * QUEUE_CALL,
         max(polls - QUEUE_CALLS_FREE, 0) * QUEUE_CALL),
        ("ticks of schedules", f"{counted(ticks)}", ticks * TICK, max(ticks - TICKS_FREE, 0) * TICK),
        ("runs of the scheduler", f"{counted(ticks)}", ticks * (RUN + TICK_SECONDS * RUN_SECOND), max(ticks - RUNS_FREE, 0) * RUN),
        ("logs of the scheduler, in MB", f"{counted(logs * 1000)}", logs * LOG_GIGABYTE, max(logs - LOG_GIGABYTES_FREE, 0) * LOG_GIGABYTE),
        ("read units of the schedules", f"{counted(reads)}", reads * READ, reads * READ),
    ]
    lines = ["| part | count a month | USD | USD beyond what is free |", "| --- | --- | --- | --- |"]
    lines += [f"| {name} | {count} | {cost:.2f} | {beyond:.2f} |" for name, count, cost, beyond in rows]
    lines.append(f"| **together** | | **{sum(row[2] for row in rows):.2f}** | **{sum(row[3] for row in rows):.2f}** |")
    return "\n".join(lines)


def main():
    readme = ROOT / "infra/README.md"
    text = readme.read_text()
    before, rest = text.split("<!-- idle -->\n")
    _, after = rest.split("\n<!-- /idle -->")
    now = f"{before}<!-- idle -->\n{table()}\n<!-- /idle -->{after}"
    if "--write" in sys.argv:
        readme.write_text(now)
    elif now != text:
        sys.exit("infra/README.md says another bill: .ci/costs.py --write")


main()
