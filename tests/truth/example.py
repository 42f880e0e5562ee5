#!/usr/bin/python3
"""Prints results of all cases, each right in each score: a test makes one wrong."""
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import cases
import score


def finding(cause, server):
    return {"id": cause["wall"] + ".short", "level": "critical", "wall": cause["wall"], "title": "", "remedy": cause["owner"],
            "knob": cause["knob"], "proposals": [], "tried_state": "tried",
            "advice": cause["knob"] or score.DIRECTIVE.get(server, "")}


def result(case):
    short = [cause for cause in case["causes"] if cause["severity"] < 1]
    verdict = {"status": 2 * bool(short), "answer": "", "unknown": [], "command": [], "seconds": 1,
               "walls": {cause["wall"]: ["short", "measured", 1, 2] for cause in short},
               "findings": [finding(cause, case["server"]) for cause in short]}
    of = {"id": case["id"], "server": case["server"], "alerts": {}, "verdict": verdict, "runs": [verdict], "rivals": {},
          "causes": [{key: cause[key] for key in cases.OF_CAUSE} for cause in case["causes"]]}
    return of | ({"healed": True, "healed_by_half": False, "half": {}} if short else {})


def main():
    program, basis = sys.argv[1], cases.basis()
    for case in cases.every():
        print(json.dumps(result(case) | {"row": cases.row_of(case), "of": {
            "program": program, "probe": "", "repeated": False, "busy": False} | basis}))


if __name__ == "__main__":
    main()
