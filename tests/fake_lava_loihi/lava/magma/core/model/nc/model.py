"""Marks models of neuro cores."""


class AbstractNcProcessModel:
    pass
