"""The doctor: why will my own network not train?

recorder.py      what is recorded while it trains
examination.py   what is measured afterwards, on copies
symptoms.py      readings that several illnesses share
illnesses/       one function an illness: its evidence, or None
birth.py         where a NaN was born
finding.py       what the doctor says
page.py          and writes
"""

from minigrad.lab.doctor.doctor import Doctor
from minigrad.lab.doctor.finding import Diagnosis, Finding
