"""Marks models of embedded cores."""


class CLoihiProcessModel:
    pass
