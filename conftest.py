"""Settings of all three rings of tests."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

# No test asserts a time: a busy machine is not a defect. In CI the examples are the same every time.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# A calibration of whoever runs the tests must not change what estimates are compared with.
os.environ["WATTBOOK_CALIBRATION"] = ""

# A shell gives a job in the background Ctrl-C and Ctrl-\ ignored, and what the tests start would inherit that.
for _name, _usual in (("SIGINT", signal.default_int_handler), ("SIGQUIT", signal.SIG_DFL)):
    _number = getattr(signal, _name, None)
    if _number is not None and signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)
