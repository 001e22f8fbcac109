"""The patients: `PATIENTS` holds the sick and the healthy, each made anew for every seed."""

from minigrad.lab.clinic.patients import healthy, sick
from minigrad.lab.clinic.patients.patient import PATIENTS, Case, Patient
