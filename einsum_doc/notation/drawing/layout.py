"""A network of nodes and legs -> their places in the picture, such that no label touches anything.

Points are complex numbers, x to the right and y downwards as in SVG, in pixels. Nothing is random: the
same network is always drawn the same.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, count, pairwise
from typing import NamedTuple

Point = complex

DOT = 3.2  # the radius of a dot
LETTER = 17.0  # the size of a label's letter
HEIGHT = 1.08 * LETTER  # of its box, from the top of b to the bottom of y

_EDGE = 7.0  # between everything drawn and the border of the picture
_GAP = 20.0  # between parts that are not joined
_JOINT = 66.0  # from the border of a node to the next
_SPOKE = 42.0  # from the border of a node to a dot
_TAIL = 46.0  # of a leg that ends free, from the border of its node
_BOW = 25.0  # between legs side by side
_AIR = 4.0  # between a label and everything else


class Join(NamedTuple):
    """A leg between two vertices, the smaller first; a loop, which is a trace, if they are the same."""

    label: str
    one: int
    other: int


class Tail(NamedTuple):
    """A leg with one end: `rank` is its place in the output; None if it ends in a dot, being summed alone."""

    label: str
    vertex: int
    rank: int | None


@dataclass(frozen=True)
class Network:
    """A tensor network.

    radii: of the vertices, nodes before dots.
    dots: the vertices at which several legs meet, each with its label.
    widths: of each label's text.
    """

    radii: Sequence[float]
    dots: Mapping[int, str]
    joins: Sequence[Join]
    tails: Sequence[Tail]
    widths: Mapping[str, float]

    @cached_property
    def bundles(self) -> dict[tuple[int, int], list[Join]]:
        """The joins between each two vertices."""
        found: dict[tuple[int, int], list[Join]] = {}
        for join in self.joins:
            if join.one != join.other:
                found.setdefault((join.one, join.other), []).append(join)
        return found

    @cached_property
    def neighbours(self) -> list[list[int]]:
        """For each vertex, those that a leg joins it to, each once, in order."""
        return [sorted(sum(pair) - v for pair in self.bundles if v in pair) for v in range(len(self.radii))]

    def walk(self, first: int) -> list[int]:
        """Return the vertices that can be reached, depth first."""
        found: dict[int, None] = {}
        waiting = [first]
        while waiting:
            vertex = waiting.pop()
            if vertex not in found:
                found[vertex] = None
                waiting += reversed(self.neighbours[vertex])
        return list(found)

    def distance(self, one: int, other: int) -> float:
        """Return the distance between two vertices: larger if several legs, or a dot between them, need the room."""
        legs = len(self.bundles.get((min(one, other), max(one, other)), ()))
        dots = [dot for dot in self.dots if one in self.neighbours[dot] and other in self.neighbours[dot]]
        if dots and not legs:
            return max(self.distance(one, dot) + self.distance(other, dot) for dot in dots)
        room = _SPOKE if max(one, other) in self.dots else _JOINT
        return self.radii[one] + room + self.radii[other] + 16 * max(legs - 1, 0)


class Box(NamedTuple):
    """A rectangle, upright."""

    centre: Point
    width: float
    height: float

    @property
    def corners(self) -> tuple[Point, Point]:
        """The upper left and the lower right corner."""
        half = complex(self.width, self.height) / 2
        return self.centre - half, self.centre + half

    def meets(self, other: Box, air: float = 0.0) -> bool:
        apart = self.centre - other.centre
        beside = abs(apart.real) < (self.width + other.width) / 2 + air
        return beside and abs(apart.imag) < (self.height + other.height) / 2 + air

    def meets_circle(self, centre: Point, radius: float) -> bool:
        apart = centre - self.centre
        x, y = abs(apart.real) - self.width / 2, abs(apart.imag) - self.height / 2
        return abs(complex(max(x, 0.0), max(y, 0.0))) < radius


def _around(points: Iterable[Point], air: float = 0.0) -> Box:
    """Return the smallest box around some points, with a margin."""
    xs, ys = zip(*((point.real, point.imag) for point in points), strict=True)
    width, height = max(xs) - min(xs), max(ys) - min(ys)
    return Box(complex(min(xs) + width / 2, min(ys) + height / 2), width + 2 * air, height + 2 * air)


@dataclass(frozen=True)
class Leg:
    """A drawn leg: a straight line of two points, or a Bézier curve of four."""

    label: str
    points: Sequence[Point]

    def at(self, t: float) -> tuple[Point, Point]:
        """Return the place after a share `t` of the leg, and the direction there (de Casteljau's algorithm)."""
        points = self.points
        while len(points) > 2:
            points = [a + t * (b - a) for a, b in pairwise(points)]
        start, end = points
        return start + t * (end - start), (end - start) / abs(end - start)

    @cached_property
    def course(self) -> list[Point]:
        """The places along the leg, a few pixels apart."""
        return [self.at(k / 60)[0] for k in range(61)]

    @cached_property
    def frame(self) -> Box:
        """The box around the leg, a pixel wider than its course."""
        return _around(self.course, 1.0)


@dataclass(frozen=True)
class Layout:
    """The places of everything in the picture.

    centres: of the nodes.
    dots: the label and the place of each dot, where legs meet or a label summed alone ends.
    captions: each label's text and the box that it keeps for itself.
    size: width and height of the picture; its upper left corner is 0.
    """

    centres: Sequence[Point]
    legs: Sequence[Leg]
    dots: Sequence[tuple[str, Point]]
    captions: Sequence[tuple[str, Box]]
    size: Point


def layout(network: Network) -> Layout:
    """Place a network's nodes, dots, legs and labels.

    >>> drawn = layout(Network([17, 17], {}, [Join("k", 0, 1)], [], {"k": 10}))
    >>> x, y = drawn.centres
    >>> y - x, [label for label, _ in drawn.captions]
    ((100+0j), ['k'])

    Each joined part is a line, a star or a circle of nodes, with its dots between the nodes that they join. Legs
    that end free share the widest gaps around their node. A label takes the first place at which it touches
    nothing: beside its leg, or as near as there is room.
    """
    parts: list[list[int]] = []
    # Ends come first: a line is walked from one end to the other.
    for vertex in sorted(range(len(network.radii)), key=lambda vertex: len(network.neighbours[vertex]) != 1):
        if not any(vertex in part for part in parts):
            parts.append(network.walk(vertex))
    parts.sort(key=min)
    drawn: list[tuple[_Part, Point]] = []
    x = _EDGE
    for number, vertices in enumerate(parts):
        side = 1 if number == len(parts) - 1 else -1 if number == 0 else 1j
        part = _Part(network, vertices, side)
        drawn.append((part, x - part.frame.corners[0].real))
        x += part.frame.width + _GAP
    down = 1j * (_EDGE - min(part.frame.corners[0].imag for part, _ in drawn))
    drawn = [(part, by + down) for part, by in drawn]
    centres = {vertex: place + by for part, by in drawn for vertex, place in part.places.items()}
    return Layout(
        [centres[vertex] for vertex in sorted(centres.keys() - network.dots)],
        [replace(leg, points=[point + by for point in leg.points]) for part, by in drawn for leg in part.legs],
        [(label, place + by) for part, by in drawn for label, place in part.dots],
        [(label, box._replace(centre=box.centre + by)) for part, by in drawn for label, box in part.captions],
        complex(x - _GAP + _EDGE, max((part.frame.corners[1] + by).imag for part, by in drawn) + _EDGE),
    )


# ---- Where the vertices are ------------------------------------------------------------------------


def _places(network: Network, part: Sequence[int]) -> dict[int, Point]:
    """Return the places of a part's nodes, on a star, a line or a circle, and of its dots between them."""
    nodes = [vertex for vertex in part if vertex not in network.dots]
    hub = next((v for v in part if len(network.neighbours[v]) == len(part) - 1 > 2), None)
    if hub is not None and sum(one in part for one, _ in network.bundles) == len(part) - 1:
        leaves = sorted(leaf for leaf in part if leaf != hub)
        places = {hub: 0j} | _circle(leaves, max(network.distance(hub, leaf) for leaf in leaves))
    elif _in_line(network, nodes):
        steps = [0.0, *(network.distance(one, other) for one, other in pairwise(nodes))]
        places = dict(zip(nodes, map(complex, accumulate(steps)), strict=True))
    else:
        side = max(network.distance(one, other) for one, other in pairwise([*nodes, nodes[0]]))
        places = _circle(nodes, side / (2 * math.sin(math.pi / len(nodes))))
    for vertex in sorted(part):
        if vertex not in places:
            places[vertex] = _dot_place(network, places, vertex)
    return places


def _circle(vertices: Sequence[int], radius: float) -> dict[int, Point]:
    """Return places around 0, against the clock; the first is on the upper left."""
    turn = math.tau / len(vertices)
    return {vertex: cmath.rect(radius, -math.pi / 2 - turn * (k + 0.5)) for k, vertex in enumerate(vertices)}


def _in_line(network: Network, nodes: Sequence[int]) -> bool:
    """Return whether each leg joins nodes that are next to each other, and each dot at most three in a row."""
    for one, other in network.bundles:
        if one in nodes:
            dotted = other in network.dots
            ranks = [nodes.index(vertex) for vertex in (network.neighbours[other] if dotted else (one, other))]
            if max(ranks) - min(ranks) > 1 + dotted:
                return False
    return True


def _dot_place(network: Network, places: Mapping[int, Point], dot: int) -> Point:
    """Return the place of a dot: between its nodes or near there, where it and its legs are clear of all else."""
    joined = network.neighbours[dot]
    centre = sum(places[vertex] for vertex in joined) / len(joined)
    alike = sum(joined == network.neighbours[other] for other in network.dots)
    directions: list[Point] = [1j, -1j, 1, -1]
    steps = [0.0, 60.0, 90.0, 120.0, 160.0, 200.0][alike > 1 :]
    if len(joined) == 1:
        directions = [1, -1, 1j, -1j]
        steps = [turn * network.distance(joined[0], dot) for turn in (1, 1.5, 2)]
    directions += [cmath.rect(1, math.pi * turn) for turn in (0.25, 0.75, -0.25, -0.75)]

    def conflicts(place: Point) -> int:
        near = {vertex: _TAIL if vertex in network.dots else network.radii[vertex] + 26 for vertex in places}
        found = 100 * sum(abs(place - other) < near[vertex] for vertex, other in places.items())
        for (a, b), bundle in network.bundles.items():
            if a in places and b in places:
                found += _distance_from_line(place, places[a], places[b]) < 24 + (len(bundle) - 1) / 2 * _BOW
        for vertex, other in places.items():
            ways = [places[end] for end in joined if end != vertex]
            found += sum(_distance_from_line(other, place, way) < network.radii[vertex] + 8 for way in ways)
        return found

    return min((centre + step * direction for step in steps for direction in directions), key=conflicts)


def _distance_from_line(place: Point, start: Point, end: Point) -> float:
    """Return the distance of a place from a straight line."""
    line = end - start
    t = ((place - start) * line.conjugate()).real / (abs(line) ** 2 or 1.0)
    return abs(place - start - min(max(t, 0.0), 1.0) * line)


# ---- Legs and labels -------------------------------------------------------------------------------


class _Part:
    """A joined part as drawn, around 0, and the frame of it all."""

    def __init__(self, network: Network, vertices: Sequence[int], side: Point) -> None:
        self.network = network
        self.places = _places(network, vertices)
        self.legs: list[Leg] = []
        self.dots = [(label, self.places[dot]) for dot, label in network.dots.items() if dot in self.places]
        self.captions: list[tuple[str, Box]] = []
        self._taken: dict[int, list[float]] = {vertex: [] for vertex in vertices}
        self._anchors: list[tuple[str, list[tuple[Point, Point]]]] = []
        for (one, other), bundle in network.bundles.items():
            if one in self.places:
                self._draw_bundle(one, other, bundle)
        for vertex in vertices:
            self._draw_loops(vertex)
            self._draw_tails(vertex, side)
        self._circles = [(place, DOT) for _, place in self.dots]
        self._circles += [(place, network.radii[vertex]) for vertex, place in self.places.items()]
        self._draw_labels()
        boxes = [Box(place, 2 * radius + 2, 2 * radius + 2) for place, radius in self._circles]
        boxes += [leg.frame for leg in self.legs] + [box for _, box in self.captions]
        self.frame = _around(corner for box in boxes for corner in box.corners)

    def _border(self, vertex: int, ahead: Point) -> Point:
        """Return the place where a leg begins. It runs on into a dot, which covers its end."""
        out = 0.0 if vertex in self.network.dots else self.network.radii[vertex]
        return self.places[vertex] + ahead / abs(ahead) * out

    def _draw_bundle(self, one: int, other: int, bundle: Sequence[Join]) -> None:
        """Draw the legs between two vertices, bowed apart if they are several."""
        start, end = self.places[one], self.places[other]
        across = 1j * (end - start) / abs(end - start)
        if across.imag > 0.01 or (abs(across.imag) <= 0.01 and across.real < 0):
            across = -across  # upwards: the first of several legs is the highest
        for number, (label, *_) in enumerate(bundle):
            bow = ((len(bundle) - 1) / 2 - number) * _BOW
            # A Bézier curve rises to three quarters of the height of its two inner points.
            bowed = [start + t * (end - start) + across * bow * 4 / 3 for t in (0.3, 0.7)]
            points = [self._border(one, bowed[0] - start), *(bowed if bow else []), self._border(other, bowed[1] - end)]
            leg = Leg(label, points)
            self.legs.append(leg)
            self._taken[one].append(cmath.phase(bowed[0] - start))
            self._taken[other].append(cmath.phase(bowed[1] - end))
            if other not in self.network.dots:
                self._anchor(leg, (0.5, 0.6, 0.4, 0.72, 0.28), across if bow >= 0 else -across)

    def _draw_loops(self, vertex: int) -> None:
        for loop in self.network.joins:
            if loop.one == loop.other == vertex:
                [angle] = _gaps(self._taken[vertex], 1, -math.pi / 2)
                self._taken[vertex] += [angle - 0.5, angle + 0.5]
                radius = self.network.radii[vertex]
                ways = ((radius, -0.42), (radius + 46, -0.66), (radius + 46, 0.66), (radius, 0.42))
                points = [self.places[vertex] + cmath.rect(reach, angle + turn) for reach, turn in ways]
                self.legs.append(Leg(loop.label, points))
                self._anchor(self.legs[-1], (0.5, 0.35, 0.65), cmath.rect(1, angle))

    def _draw_tails(self, vertex: int, side: Point) -> None:
        """Draw the legs that end free or in a dot, in the order of the output; the only leg of a node points to a side.

        A dot that has none gets its label here, somewhere around it.
        """
        taken, place = self._taken[vertex], self.places[vertex]
        tails = [tail for tail in self.network.tails if tail.vertex == vertex]
        tails.sort(key=lambda tail: math.inf if tail.rank is None else tail.rank)
        if taken:
            away = place - sum(self.places.values()) / len(self.places)
            angles = _gaps(taken, len(tails), cmath.phase(away) if abs(away) > 1 else -math.pi / 2)
            angles.sort(key=lambda angle: (round(math.cos(angle), 3), round(math.sin(angle), 3)))
        elif len(tails) == 1:
            angles = [cmath.phase(side)]
        else:
            # To the left, below and to the right of a node alone; many all around it.
            turn = math.pi / max(len(tails) - 1, 1) if len(tails) < 6 else math.tau / len(tails)
            angles = [math.pi - turn * k for k in range(len(tails))]
        for (label, _, rank), angle in zip(tails, angles, strict=True):
            ahead = cmath.rect(1, angle)
            end = place + ahead * (self.network.radii[vertex] + _TAIL)
            self.legs.append(Leg(label, [self._border(vertex, ahead), end]))
            if rank is None:
                self.dots.append((label, end))
            # The better side: above a leg that is level, to the right of an upright one, else away from level.
            level = abs(ahead.real) > abs(ahead.imag)
            better = (1j if ahead.imag > 0.2 else -1j) if level else (-1 if ahead.real < -0.2 else 1)
            self._anchor(self.legs[-1], (0.56, 0.7, 0.42, 0.85), better)
        if vertex in self.network.dots and not tails:
            around = [cmath.rect(1, math.pi * (0.25 + turn / 4)) for turn in (0, 4, 6, 2, 1, 3, 5, 7)]
            around += [way * cmath.rect(1, math.pi / 8) for way in around]
            anchors = [(place + DOT * ahead, ahead) for ahead in around]
            self._anchors.append((self.network.dots[vertex], anchors))

    def _anchor(self, leg: Leg, shares: Iterable[float], better: Point) -> None:
        """Note where the label of a leg may stand: near the middle, on the better side if that is free."""
        anchors = []
        for t in shares:
            place, ahead = leg.at(t)
            across = 1j * ahead if (1j * ahead * better.conjugate()).real >= 0 else -1j * ahead
            anchors += [(place, across), (place, -across)]
        self._anchors.append((leg.label, anchors))

    def _draw_labels(self) -> None:
        """Draw each label in the first box that is free: beside its leg, else further and further away."""
        for label, anchors in self._anchors:
            width = self.network.widths[label]
            halves = [(width * abs(side.real) + HEIGHT * abs(side.imag)) / 2 + _AIR for _, side in anchors]
            boxes = (
                Box(place + side * (half + 7 * step), width, HEIGHT)
                for step in count()
                for (place, side), half in zip(anchors, halves, strict=True)
            )
            self.captions.append((label, next(box for box in boxes if self._is_free(label, box))))

    def _is_free(self, label: str, box: Box) -> bool:
        if any(box.meets(other, _AIR) for _, other in self.captions):
            return False
        if any(box.meets_circle(place, radius + _AIR - 0.5) for place, radius in self._circles):
            return False
        near = [leg for leg in self.legs if box.meets(leg.frame, _AIR)]
        airs = ((0.5 if leg.label == label else _AIR - 0.5, leg.course) for leg in near)
        return not any(box.meets_circle(point, air) for air, course in airs for point in course)


def _gaps(taken: Sequence[float], legs: int, preferred: float) -> list[float]:
    """Return directions for legs in the widest gaps between those that are taken, evenly spread."""
    if not taken:
        return [preferred]
    angles = sorted(angle % math.tau for angle in taken)
    gaps = [(a, (b - a) % math.tau or math.tau) for a, b in zip(angles, angles[1:] + angles[:1], strict=True)]
    shared = [0] * len(gaps)
    for _ in range(legs):
        room = [
            round(width / (held + 1) + 0.12 * math.cos(first + width / 2 - preferred), 4)
            for (first, width), held in zip(gaps, shared, strict=True)
        ]
        shared[room.index(max(room))] += 1
    found = []
    for (first, width), held in zip(gaps, shared, strict=True):
        step = min(width / (held + 1), 1.15)
        found += [first + width / 2 + step * (k - (held - 1) / 2) for k in range(held)]
    return found
