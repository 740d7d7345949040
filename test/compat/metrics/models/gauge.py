"""A handler without torch that says metrics of every kind: one at load, and those that the request header X-Do names."""
import sys

from ts.metrics.dimension import Dimension
from ts.metrics.metric_type_enum import MetricTypes


def handle(data, context):
    if data is None:  # the call at load
        context.metrics.add_counter("LoadCount", 1, None, [Dimension("When", "load")])
        return None
    word = context.get_request_header(0, "X-Do") or "nothing"
    ACTIONS[word](context.metrics)
    return [word for _ in data]


def counter(metrics):
    metrics.add_counter("Seen", 2)
    metrics.add_counter("SeenBy", 1, 0, [Dimension("MethodName", "handle")])


def times(metrics):
    metrics.add_time("TimeMs", 12.5)
    metrics.add_time("TimeS", 3, None, "s", [Dimension("MethodName", "handle")])


def sizes(metrics):
    for unit in ("MB", "kB", "GB", "B"):
        metrics.add_size("Size_" + unit, 1024, None, unit)


def percent(metrics):
    metrics.add_percent("Share", 99.5)
    metrics.add_percent("ShareHistogram", 0.3, None, [], MetricTypes.HISTOGRAM)


def error(metrics):
    metrics.add_error("Failures", 1)
    metrics.add_error("FailuresAt", 1, [Dimension("Place", "here")])


def any_unit(metrics):
    metrics.add_metric("Generic", 7, "parsec")
    metrics.add_metric("GenericGauge", -2.5, "ms", None, [Dimension("A", "1"), Dimension("B", "2")], MetricTypes.GAUGE)
    metrics.add_metric("Unitless", 1, "")


def declared(metrics):
    metrics.add_metric("DeclaredGauge", 4, "ms", None, [], MetricTypes.GAUGE)
    metrics.add_counter("DeclaredCounter", 1)
    metrics.get_metric("DeclaredPlain").add_or_update(1)
    metrics.get_metric("DeclaredHistogram", MetricTypes.HISTOGRAM).add_or_update(0.02, ["x"])


def cached(metrics):
    metrics.add_metric_to_cache("Cached", "kB", ["One", "Two"], MetricTypes.GAUGE)
    metric = metrics.get_metric("Cached", MetricTypes.GAUGE)
    metric.add_or_update(1e-05, ["a", "b"])
    metric.add_or_update(12345678, ["a", "b"], "my-request")
    metric.update(3, "my-request", [Dimension("Three", "c")])


def wrong(metrics):
    metrics.add_counter("Seen", -1)
    metrics.get_metric("DeclaredHistogram", MetricTypes.HISTOGRAM).add_or_update(1, ["too", "many"])
    for attempt in (
        lambda: metrics.add_time("TimeMs", 1, None, "h"),
        lambda: metrics.add_size("Size_MB", 1, None, "TB"),
        lambda: metrics.add_metric("Generic", 1, "ms", None, [], "counter"),
        lambda: metrics.get_metric("Never"),
    ):
        try:
            attempt()
        except (TypeError, ValueError, KeyError) as raised:
            print(type(raised).__name__, raised)


def printed(metrics):
    print("[METRICS]Printed.Count:3|#Level:Model|#type:COUNTER|#hostname:elsewhere,1700000000,an-id")
    print("INFO > [METRICS]PrintedGauge.Megabytes:1e-05|#Level:Model,broken|#type:GAUGE|#hostname:elsewhere,1700000000")
    print("[METRICS]DeclaredPlain.Count:5|#|#hostname:elsewhere,1700000000")
    print("[METRICS]Typeless.Count:5|#|#hostname:elsewhere,1700000000")
    print("[METRICS]Printed.Count:1,5|#Level:Model|#type:COUNTER|#hostname:elsewhere,1700000000")
    print("[METRICS]PrintedLoud.Count:2|#Level:Model|#type:COUNTER|#hostname:elsewhere,1700000000", file=sys.stderr)
    print("[METRICS]PrintedNan.Count:nan|#Level:Model|#type:GAUGE|#hostname:elsewhere,1700000000")
    print("[METRICS]this is no metric")


ACTIONS = {
    "nothing": lambda metrics: None,
    "counter": counter,
    "times": times,
    "sizes": sizes,
    "percent": percent,
    "error": error,
    "any-unit": any_unit,
    "declared": declared,
    "cached": cached,
    "wrong": wrong,
    "printed": printed,
}
