"""Fit the corrections: families of chips shrink towards the catalogue, hosts towards their family."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve, frozen

from wattbook.calibrating.correction import Correction
from wattbook.calibrating.pairs import HostDay

MIN_HOST_DAYS = 3  #: of a family; fewer say nothing that the catalogue does not
Z = 1.6449  #: half of a 90 % interval in standard deviations
#: share of a model's variance that lies between machines of one family: on SPECpower servers, factors for
#: each family bring the mean absolute error from 17.0 to 15.3 % (CPUs left out), and (15.3 / 17.0)^2 is 0.81
WITHIN_FAMILY = 0.81
DAY_SPREAD = 0.10  #: judgement: the ratio of a host repeats within a tenth from day to day
PRIOR_WEIGHT = 2.0  #: how many hosts, or families, the assumed spreads weigh against the observed ones


@frozen(kw_only=True)
class Hosted:
    """What all days of one host say about one model."""

    cause: str
    family: str
    host: str
    days: int
    mean: float  #: of ln(truth / model)
    squares: float  #: sum of squared deviations from it

    @classmethod
    def from_errors(cls, cause: str, family: str, host: str, errors: Sequence[float]) -> Hosted:
        mean = math.fsum(errors) / len(errors)
        squares = math.fsum((error - mean) ** 2 for error in errors)
        return cls(cause=cause, family=family, host=host, days=len(errors), mean=mean, squares=squares)

    def without(self, error: float) -> Hosted:
        """The host without one of its days."""
        days = self.days - 1
        mean = self.mean + (self.mean - error) / days
        return evolve(self, days=days, mean=mean, squares=max(0.0, self.squares - (error - self.mean) * (error - mean)))


@frozen(kw_only=True)
class Spread:
    """Of ln(truth / model), as standard deviations: middle of a family, a host in it, a day of a host."""

    family: float
    host: float
    day: float


def calibrate(days: Iterable[HostDay]) -> tuple[list[Correction], list[str]]:
    """The corrections of every model and family with enough host-days, and a sentence for each without.

    For host-day *d* of host *h* in family *f*, ``y = ln(measured / modelled)`` of the day's sums is taken as

        y(f, h, d) = theta(f) + a(h) + e(d),  theta ~ N(0, w^2),  a ~ N(0, t^2),  e ~ N(0, s^2)

    where 0 is the catalogue.  The variances are fitted by moments (empirical Bayes; C. N. Morris, *Parametric
    Empirical Bayes Inference*, JASA 78, 1983), ``s^2`` and ``t^2`` over all families of a model, each as the mean
    of what is observed and of what is assumed before (``WITHIN_FAMILY`` of the model's own variance lies between
    hosts of a family), the assumption weighing like ``PRIOR_WEIGHT`` observations.  With host means weighted by
    ``1 / (t^2 + s^2 / days)``, ``m`` their mean and ``V`` its variance, the family's correction is

        theta = m x w^2 / (w^2 + V),  variance V x w^2 / (w^2 + V)

    The factor is ``exp(theta)``; for a machine that was never measured the interval is
    ``exp(theta +- 1.645 x sqrt(variance + t^2 + s^2))``.
    """
    from wattbook.calibrating.backtest import backtest

    by_cause: dict[str, list[HostDay]] = defaultdict(list)
    for day in sorted(days, key=lambda d: (d.cause, d.family, d.host, d.day)):
        by_cause[day.cause].append(day)
    corrections: list[Correction] = []
    refused: list[str] = []
    for cause, some in by_cause.items():
        down, up = _mean(d.down for d in some), _mean(d.up for d in some)
        hosts = hosted(some)
        tested = backtest(some, hosts, (down + up) / (2 * Z))
        for family, found in fitted(hosts.values(), (down + up) / (2 * Z)).items():
            ours = [host for host in hosts.values() if host.family == family]
            count = sum(host.days for host in ours)
            if count < MIN_HOST_DAYS:
                refused.append(f"{family} ({cause}): {_count(count)}, and a calibration needs {MIN_HOST_DAYS}")
                continue
            theta, sigma = found
            score = tested[family]
            corrections.append(
                Correction(
                    cause=cause, family=family, factor=math.exp(theta), low=math.exp(theta - Z * sigma),
                    high=math.exp(theta + Z * sigma), down=down, up=up, hosts=len(ours), host_days=count,
                    before=score.before, after=score.after, covered=score.covered, left_out=score.left_out,
                )
            )  # fmt: skip
    return corrections, refused


def hosted(days: Iterable[HostDay]) -> dict[tuple[str, str], Hosted]:
    """The days of one model, by family and host."""
    errors: dict[tuple[str, str], list[float]] = defaultdict(list)
    cause = ""
    for day in days:
        cause = day.cause
        errors[day.family, day.host].append(day.error)
    return {key: Hosted.from_errors(cause, *key, some) for key, some in sorted(errors.items())}


def fitted(hosts: Iterable[Hosted], model: float) -> Mapping[str, tuple[float, float]]:
    """For every family the middle and the spread of ln(truth / model) on a host that was never seen.

    *model* is the standard deviation that the model itself declares.
    """
    families: dict[str, list[Hosted]] = defaultdict(list)
    for host in hosts:
        families[host.family].append(host)
    day = _variance(
        DAY_SPREAD**2,
        math.fsum(h.squares for some in families.values() for h in some),
        sum(h.days - 1 for some in families.values() for h in some),
    )
    between = _variance(
        WITHIN_FAMILY * model**2,
        math.fsum(_between(some, day) for some in families.values()),
        sum(len(some) - 1 for some in families.values()),
    )
    middles = {family: _weighted(some, between, day) for family, some in families.items()}
    around = _variance(
        (1 - WITHIN_FAMILY) * model**2,
        math.fsum(max(0.0, mean**2 - error) for mean, error in middles.values()),
        len(middles),
    )
    found = {}
    for family, (mean, error) in middles.items():
        shrunk = around / (around + error)
        found[family] = (mean * shrunk, math.sqrt(error * shrunk + between + day))
    return found


def _variance(assumed: float, squares: float, freedom: int) -> float:
    """What is assumed and what is observed, weighted by how many observations each stands for."""
    return (PRIOR_WEIGHT * assumed + squares) / (PRIOR_WEIGHT + freedom)


def _between(hosts: Sequence[Hosted], day: float) -> float:
    """Squared deviations of the hosts' means from their family's, without what the days alone explain."""
    middle = _mean(host.mean for host in hosts)
    squares = math.fsum((host.mean - middle) ** 2 for host in hosts)
    noise = math.fsum(day / host.days for host in hosts) * (1 - 1 / len(hosts))
    return max(0.0, squares - noise)


def _weighted(hosts: Sequence[Hosted], between: float, day: float) -> tuple[float, float]:
    weights = [1 / (between + day / host.days) for host in hosts]
    whole = math.fsum(weights)
    return math.fsum(w * host.mean for w, host in zip(weights, hosts, strict=True)) / whole, 1 / whole


def _mean(numbers: Iterable[float]) -> float:
    told = list(numbers)
    return math.fsum(told) / len(told)


def _count(days: int) -> str:
    return f"{days} host-day{'' if days == 1 else 's'}"
