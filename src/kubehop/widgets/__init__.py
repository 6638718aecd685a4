"""The widgets of the book: pictures of a trace, live in JupyterLab and replayed on the page."""

from kubehop.widgets.shown import TraceWidget


class RequestJourney(TraceWidget):
    """Where did my click go? Each request of a trace, hop by hop, with the object that decided."""


class LoadBalancing(TraceWidget):
    """Is it fair? Who answered, in which order, against what the balancer promises."""


class HpaDecision(TraceWidget):
    """Why this number of replicas? Each decision of the HorizontalPodAutoscaler, with its numbers."""


__all__ = ["HpaDecision", "LoadBalancing", "RequestJourney", "TraceWidget"]
