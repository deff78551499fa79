"""Exact constants between the units that appear at the rim and the joules and grams used inside."""

J_PER_WH = 3_600
J_PER_KWH = 3_600_000
J_PER_MJ = 1e-3  #: joules in a millijoule, the unit of NVML's and powermetrics' counters
J_PER_UJ = 1e-6  #: joules in a microjoule, the unit of powercap's counters
W_PER_MW = 1e-3  #: watts in a milliwatt
G_PER_KG = 1_000
G_PER_T = 1_000_000
KG_PER_T = 1_000
S_PER_H = 3_600
S_PER_MS = 1e-3

MAX_DEVICE_W = 5_000.0  #: above this, a reading of one package or GPU is implausible and refused
