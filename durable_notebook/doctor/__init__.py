"""Why a run does not move, and the commands that cure it.

`_finding` is what a diagnosis says; `_pauses` and `_diagnosis` make it of what is on
disk, `_inside` of what the process knows that may execute the run. `_health` is of a
whole journal.
"""
