"""A network of nodes and legs -> where everything is drawn, so that no two labels touch.

Points are complex numbers, x to the right and y downwards as in SVG, in pixels. Nothing is random: the
same network is always drawn the same.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, islice, pairwise, permutations
from typing import NamedTuple

Point = complex

DOT = 3.2  # the radius of a dot
LETTER = 17.0  # the size of a label's letter
HEIGHT = 1.08 * LETTER  # of its box, from the top of b to the bottom of y
EDGE = 7.0  # between everything drawn and the border of the picture

_JOINT = 100.0  # from the centre of a node to the next
_SPOKE = 68.0  # from the centre of a node to a dot
_TAIL = 46.0  # of a leg that ends free, from the border of its node
_BOW = 25.0  # between legs side by side
_AIR = 4.0  # between a label and whatever is not its own
_QUARTER = math.pi / 2
_LINE = 640.0  # parts that are not joined stand side by side, up to this width
_SCALES = (1.0, 1.2, 1.45, 1.75, 2.2, 2.8, 3.6)


class Join(NamedTuple):
    """A leg between two vertices."""

    label: str
    one: int
    other: int


class Tail(NamedTuple):
    """A leg with one end: `rank` is its place in the output; None if it ends in a dot, being summed alone."""

    label: str
    vertex: int
    rank: int | None


class Loop(NamedTuple):
    """A leg from a node to itself: a trace."""

    label: str
    vertex: int


@dataclass(frozen=True)
class Network:
    """What is to be drawn.

    radii: of the nodes, which are the vertices 0, 1, ...
    dots: the label of each dot at which several legs meet; these are the vertices after the nodes.
    widths: of each label's text.
    """

    radii: Sequence[float]
    dots: Sequence[str]
    joins: Sequence[Join]
    tails: Sequence[Tail]
    loops: Sequence[Loop]
    widths: Mapping[str, float]

    @cached_property
    def vertices(self) -> int:
        return len(self.radii) + len(self.dots)

    def radius(self, vertex: int) -> float:
        return self.radii[vertex] if vertex < len(self.radii) else DOT

    @cached_property
    def neighbours(self) -> list[list[int]]:
        """Per vertex those that a leg joins it to, each once, in order."""
        found: list[set[int]] = [set() for _ in range(self.vertices)]
        for _, one, other in self.joins:
            found[one].add(other)
            found[other].add(one)
        return [sorted(neighbours) for neighbours in found]

    @cached_property
    def bundles(self) -> dict[tuple[int, int], list[Join]]:
        """The joins between each two vertices."""
        found: dict[tuple[int, int], list[Join]] = {}
        for join in self.joins:
            found.setdefault((min(join.one, join.other), max(join.one, join.other)), []).append(join)
        return found

    def breadth(self, one: int, other: int) -> float:
        """How far the legs between two vertices bow to either side."""
        return (len(self.bundles[one, other]) - 1) / 2 * _BOW

    def length(self, one: int, other: int) -> float:
        """How far apart two joined vertices should be: further if several legs need the room."""
        between = len(self.bundles[min(one, other), max(one, other)])
        dotted = max(one, other) >= len(self.radii)
        wide = self.radius(one) + self.radius(other) - (17 + DOT if dotted else 34)
        return (_SPOKE if dotted else _JOINT) + 16 * (between - 1) + (wide if wide > 8 else 0)


class Leg(NamedTuple):
    """A drawn leg: a straight line of two points, or a Bézier curve of four."""

    label: str
    points: tuple[Point, ...]

    def at(self, t: float) -> Point:
        if len(self.points) == 2:
            start, end = self.points
            return start + t * (end - start)
        a, b, c, d = self.points
        s = 1 - t
        return s * s * s * a + 3 * s * s * t * b + 3 * s * t * t * c + t * t * t * d

    def along(self, t: float) -> Point:
        """The direction in which it runs, of length 1."""
        step = self.at(min(t + 0.01, 1)) - self.at(max(t - 0.01, 0))
        return step / abs(step)

    def pieces(self) -> list[tuple[Point, Point]]:
        """Straight pieces that follow it."""
        if len(self.points) == 2:
            return [(self.points[0], self.points[1])]
        return list(pairwise(self.at(step / 10) for step in range(11)))


class Box(NamedTuple):
    """A rectangle, upright."""

    left: float
    top: float
    right: float
    bottom: float

    @staticmethod
    def around(centre: Point, width: float, height: float) -> Box:
        x, y = centre.real, centre.imag
        return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    def grown(self, by: float) -> Box:
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def moved(self, by: Point) -> Box:
        return Box(self.left + by.real, self.top + by.imag, self.right + by.real, self.bottom + by.imag)

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def meets_circle(self, centre: Point, radius: float) -> bool:
        x = max(self.left - centre.real, 0.0, centre.real - self.right)
        y = max(self.top - centre.imag, 0.0, centre.imag - self.bottom)
        return x * x + y * y < radius * radius

    def meets_line(self, start: Point, end: Point) -> bool:
        ax, ay, bx, by = start.real, start.imag, end.real, end.imag
        if (ax < self.left and bx < self.left) or (ax > self.right and bx > self.right):
            return False
        if (ay < self.top and by < self.top) or (ay > self.bottom and by > self.bottom):
            return False
        # Not apart along x, nor along y: apart then only across the line.
        dx, dy = bx - ax, by - ay
        across = abs(dx * ((self.top + self.bottom) / 2 - ay) - dy * ((self.left + self.right) / 2 - ax))
        return across < (self.right - self.left) / 2 * abs(dy) + (self.bottom - self.top) / 2 * abs(dx)


class Caption(NamedTuple):
    """A label's text and the box that it keeps for itself."""

    label: str
    box: Box


@dataclass(frozen=True)
class Layout:
    """Where everything is drawn.

    centres: of the vertices, nodes before dots.
    stops: the label and the place of each dot that ends a label summed alone.
    size: width and height of the picture; its upper left corner is 0.
    """

    centres: tuple[Point, ...]
    legs: tuple[Leg, ...]
    stops: tuple[tuple[str, Point], ...]
    captions: tuple[Caption, ...]
    size: Point = 0


def layout(network: Network) -> Layout:
    """Place a network's nodes, dots, legs and labels.

    >>> drawn = layout(Network([17, 17], [], [Join("k", 0, 1)], [], [], {"k": 10}))
    >>> x, y = drawn.centres
    >>> y - x, [caption.label for caption in drawn.captions]
    ((100+0j), ['k'])

    Each joined part is laid out alone: a path is a line, a ring a regular polygon, a star a star, and
    anything else settles where the distances in the drawing are nearest to those in the network. Legs
    that end free then share the widest gaps around their node, and a label takes the first of some places
    along its leg at which it touches nothing. Where one finds none, the part is drawn again, larger.
    Source: Gansner, Koren, North, Graph Drawing by Stress Majorization (2004).
    """
    parts = _parts(network)
    drawn = [_part(network, part, _side(number, len(parts))) for number, part in enumerate(parts)]
    return _side_by_side(network, parts, drawn)


# ---- Parts that are not joined ---------------------------------------------------------------------


def _parts(network: Network) -> list[list[int]]:
    """The vertices of each joined part; the part of the first node comes first."""
    parts, seen = [], set[int]()
    for first in range(network.vertices):
        if first not in seen:
            part = _walk(network, first)
            seen.update(part)
            parts.append(sorted(part))
    return parts


def _walk(network: Network, first: int) -> list[int]:
    """The vertices that can be reached, in the order of a walk that turns back as late as possible."""
    found, waiting = dict.fromkeys([first]), [iter(network.neighbours[first])]
    while waiting:
        following = next((vertex for vertex in waiting[-1] if vertex not in found), None)
        if following is None:
            waiting.pop()
        else:
            found[following] = None
            waiting.append(iter(network.neighbours[following]))
    return list(found)


def _side(number: int, parts: int) -> Point:
    """Where the only leg of a node alone points: of two vectors x and y, one to the left, one to the right."""
    if number == parts - 1:
        return 1
    return -1 if number == 0 else 1j


class _Part(NamedTuple):
    """A joined part as drawn, and the box around all of it."""

    drawn: Layout
    box: Box


def _side_by_side(network: Network, parts: list[list[int]], drawn: list[_Part]) -> Layout:
    """Parts in rows, in order, nodes on one height; then the corner moved to 0."""
    gap = 20.0
    rows: list[list[int]] = [[]]
    width = 0.0
    for number, part in enumerate(drawn):
        if rows[-1] and width + part.box.right - part.box.left > _LINE:
            rows.append([])
            width = 0.0
        rows[-1].append(number)
        width += part.box.right - part.box.left + gap
    moves = [0j] * len(drawn)
    top = 0.0
    for row in rows:
        above = max(-drawn[number].box.top for number in row)
        x = 0.0
        for number in row:
            box = drawn[number].box
            moves[number] = complex(x - box.left, top + above)
            x += box.right - box.left + gap
        top += above + max(drawn[number].box.bottom for number in row) + gap
    boxes = [part.box.moved(move) for part, move in zip(drawn, moves, strict=True)]
    corner = complex(EDGE, EDGE)
    far = complex(max(box.right for box in boxes), max(box.bottom for box in boxes))

    centres = [0j] * network.vertices
    legs: list[Leg] = []
    stops: list[tuple[str, Point]] = []
    captions: list[Caption] = []
    for vertices, part, move in zip(parts, drawn, moves, strict=True):
        by = move + corner
        for vertex, centre in zip(vertices, part.drawn.centres, strict=True):
            centres[vertex] = centre + by
        legs += [Leg(leg.label, tuple(point + by for point in leg.points)) for leg in part.drawn.legs]
        stops += [(label, place + by) for label, place in part.drawn.stops]
        captions += [Caption(label, box.moved(by)) for label, box in part.drawn.captions]
    return Layout(tuple(centres), tuple(legs), tuple(stops), tuple(captions), far + 2 * corner)


# ---- One joined part -------------------------------------------------------------------------------


def _part(network: Network, part: list[int], side: Point) -> _Part:
    """The first drawing without a fault: larger and larger, and each time settled in one more way."""
    settled = _settled(network, part)
    ways: list[dict[int, Point]] = []
    best: tuple[float, _Drawing] | None = None
    for scale in _SCALES:
        ways += islice(settled, 1)
        for way in ways:
            drawing = _Drawing(network, part, {vertex: place * scale for vertex, place in way.items()}, scale, side)
            drawing.draw()
            if best is None or drawing.faults < best[0]:
                best = (drawing.faults, drawing)
            if best[0] == 0:
                return best[1].finished()
    assert best is not None  # there is a scale
    return best[1].finished()


def _settled(network: Network, part: list[int]) -> Iterator[dict[int, Point]]:
    """Places for the vertices of a part: good ones as they are found, then the others, the best first."""
    line = _line(network, part)
    if line is not None:
        yield line
        return
    distances, weights = _distances(network, part)
    found: list[tuple[float, int, dict[int, Point]]] = []
    for start in _starts(network, part, len(distances)):
        places = dict(zip(part, _relaxed(start, distances, weights), strict=False))
        _eased(network, places)
        unrest = _unrest(network, places, distances)
        if unrest < 0.5:
            yield _turned(network, places)
        else:
            found.append((unrest, len(found), places))
    for _, _, places in sorted(found, key=lambda entry: entry[:2]):
        yield _turned(network, places)


def _line(network: Network, part: list[int]) -> dict[int, Point] | None:
    """A path along a straight line, from its end with the earlier operand; None if it is no path."""
    degrees = {vertex: len(network.neighbours[vertex]) for vertex in part}
    ends = [vertex for vertex in part if degrees[vertex] < 2]
    if max(degrees.values()) > 2 or not ends:
        return None
    path = _walk(network, ends[0])
    # A long chain is drawn closer, so that its letters are not shrunk as much to fit a column.
    closer = 1.0 if len(path) <= 7 else 0.82
    places, x = {path[0]: 0j}, 0.0
    for one, other in pairwise(path):
        x += closer * network.length(one, other)
        places[other] = complex(x)
    return places


def _distances(network: Network, part: list[int]) -> tuple[list[list[float]], list[list[float]]]:
    """The shortest way between every two vertices (Floyd and Warshall), and how much each counts.

    An open leg of a dot with several spokes counts as one more vertex, after the others: it wants its share
    of the circle around the dot.
    """
    number = {vertex: row for row, vertex in enumerate(part)}
    crowded = [
        tail.vertex
        for tail in network.tails
        if tail.vertex in number and tail.vertex >= len(network.radii) and len(network.neighbours[tail.vertex]) > 2
    ]
    count = len(part) + len(crowded)
    far = [[0.0 if a == b else math.inf for b in range(count)] for a in range(count)]
    for one in part:
        for other in network.neighbours[one]:
            far[number[one]][number[other]] = network.length(one, other)
    for row, vertex in enumerate(crowded, len(part)):
        far[row][number[vertex]] = far[number[vertex]][row] = _SPOKE
    for via, through in enumerate(far):
        for way in far:
            first = way[via]
            for column, rest in enumerate(through):
                if first + rest < way[column]:
                    way[column] = first + rest
    # Dots may come nearer to each other than the way around: what counts is the legs between nodes.
    dotted = [vertex >= len(network.radii) for vertex in part] + [False] * len(crowded)
    weights = [
        [0.0 if d == 0 else (0.15 if own and other else 1.0) / (d * d) for d, other in zip(row, dotted, strict=True)]
        for row, own in zip(far, dotted, strict=True)
    ]
    return far, weights


def _starts(network: Network, part: list[int], count: int) -> Iterator[list[Point]]:
    """Places to start from: the vertices around a circle, in a few orders."""
    legs = sum(len(network.neighbours[vertex]) for vertex in part) // 2
    rest = list(range(len(part), count))  # open legs that count as vertices
    walk = [part.index(vertex) for vertex in _walk(network, part[0])]
    if legs < len(part):
        orders = iter([walk + rest])
    elif len(part) <= 5:
        orders = ([0, *order, *rest] for order in permutations(range(1, len(part))) if order[0] < order[-1])
    else:
        orders = iter([walk + rest, *_shuffled(count, 14 if count <= 14 else 5)])
    radius = _JOINT * count / math.tau
    for order in orders:
        place = {vertex: cmath.rect(radius, math.tau * k / count - 2.0) for k, vertex in enumerate(order)}
        yield [place[vertex] for vertex in range(count)]


def _shuffled(count: int, orders: int) -> Iterator[list[int]]:
    """Orders that look random and are always the same: the keys are Weyl's sequence."""
    for number in range(orders):
        yield sorted(range(count), key=lambda item: ((item + 1) * (number + 1) * 0.6180339887498949) % 1)


def _relaxed(places: list[Point], distances: list[list[float]], weights: list[list[float]]) -> list[Point]:
    """Each vertex in turn to where its distances pull it, closer ones stronger, until all are at rest."""
    places = list(places)
    totals = [sum(row) for row in weights]
    for _ in range(80):
        moved = 0.0
        for number, own in enumerate(places):
            pull = 0j
            for place, distance, weight in zip(places, distances[number], weights[number], strict=True):
                if weight:
                    apart = own - place
                    pull += weight * (place + apart * (distance / (abs(apart) or 1.0)))
            new = pull / totals[number]
            moved = max(moved, abs(new - own))
            places[number] = new
        if moved < 0.1:
            break
    return places


def _eased(network: Network, places: dict[int, Point]) -> None:
    """Push vertices away from legs and vertices that they are too near to."""
    lines = [pair for pair in network.bundles if pair[0] in places]
    for _ in range(40):
        moved = False
        for one, other in combinations(places, 2):
            apart = places[other] - places[one]
            lacking = network.radius(one) + network.radius(other) + 26 - abs(apart)
            if lacking > 0:
                push = apart / (abs(apart) or 1.0) * (lacking / 2 + 0.5)
                places[one] -= push
                places[other] += push
                moved = True
        for one, other in lines:
            for vertex, place in places.items():
                if vertex in (one, other):
                    continue
                near = _nearest(place, places[one], places[other])
                lacking = network.radius(vertex) + network.breadth(one, other) + 14 - abs(place - near)
                if lacking > 0:
                    push = (place - near) / (abs(place - near) or 1.0) * (lacking / 2 + 0.5)
                    places[vertex] = place + push
                    places[one] -= push / 2
                    places[other] -= push / 2
                    moved = True
        if not moved:
            break


def _unrest(network: Network, places: Mapping[int, Point], distances: list[list[float]]) -> float:
    """How bad places are: legs that cross, legs too near to what they do not belong to, distances missed."""
    bad = 0.0
    lines = [pair for pair in network.bundles if pair[0] in places]
    for (a, b), (c, d) in combinations(lines, 2):
        if not {a, b} & {c, d} and _cross(places[a], places[b], places[c], places[d]):
            bad += 1
    for a, b in lines:
        for vertex, place in places.items():
            near = network.radius(vertex) + network.breadth(a, b) + 8
            if vertex not in (a, b) and _off(place, places[a], places[b]) < near:
                bad += 4
    missed = 0.0
    for (one, place), (other, second) in combinations(enumerate(places.values()), 2):
        missed += (abs(place - second) / distances[one][other] - 1) ** 2
    return round(bad + missed / len(places), 6)


def _turned(network: Network, places: Mapping[int, Point]) -> dict[int, Point]:
    """Places turned, and mirrored if need be, so that lines are level and the picture reads from left to right."""
    centre = sum(places.values()) / len(places)
    count = len(network.radii)
    # A leg between nodes should be level before one to a dot is.
    lines = [(places[b] - places[a], 1.0 if b < count else 0.15) for a, b in network.bundles if a in places]
    nodes = [vertex for vertex in places if vertex < count]
    hanging = {tail.vertex for tail in network.tails if tail.vertex in places and tail.vertex >= count}
    opened = sorted((tail.rank, tail.vertex) for tail in network.tails if tail.rank is not None)
    ends = list(dict.fromkeys(vertex for _, vertex in opened if vertex in places and vertex in nodes))
    best: tuple[float, dict[int, Point]] | None = None
    for one, other in combinations(nodes, 2):
        line = places[other] - places[one]
        for quarter in (1, 1j, -1, -1j):
            for mirrored in (False, True):
                turn = quarter * abs(line) / line
                turned = {
                    vertex: (((place - centre) * turn).conjugate() if mirrored else (place - centre) * turn)
                    for vertex, place in places.items()
                }
                y = [round(place.imag, 1) for place in turned.values()]
                level = sum(weight for leg, weight in lines if abs((leg * turn).imag) < 0.05 * abs(leg))
                upright = sum(weight for leg, weight in lines if abs((leg * turn).real) < 0.05 * abs(leg))
                # A dot with an open leg hangs below its operands: the leg then points down.
                below = sum(turned[vertex].imag for vertex in hanging)
                cost = (
                    3.0 * _disorder([turned[vertex].real for vertex in nodes])
                    + 2.0 * _disorder([turned[vertex].real for vertex in ends])
                    - 0.9 * level
                    - 0.5 * upright
                    - 0.3 * _rows([turned[vertex].imag for vertex in nodes])
                    - 0.9 * _symmetric(turned, count)
                    + 0.014 * (max(y) - min(y))
                    - 0.004 * below
                    + 0.002 * (turned[nodes[0]].imag + turned[nodes[-1]].imag)
                )
                if best is None or round(cost, 4) < best[0]:
                    best = (round(cost, 4), turned)
    assert best is not None  # a part that is no path has a line
    return best[1]


def _disorder(x: Sequence[float]) -> float:
    """The share of pairs that stand in the wrong order."""
    pairs = len(x) * (len(x) - 1) / 2
    return sum(a > b + 1 for a, b in combinations(x, 2)) / pairs if pairs else 0.0


def _rows(y: Sequence[float]) -> float:
    """The share of pairs that stand at one height."""
    pairs = len(y) * (len(y) - 1) / 2
    return sum(abs(a - b) < 2 for a, b in combinations(y, 2)) / pairs if pairs else 0.0


def _symmetric(places: Mapping[int, Point], nodes: int) -> bool:
    """Whether left and right are mirror images, nodes of nodes and dots of dots."""
    x = [place.real for place in places.values()]
    axis = max(x) + min(x)
    return all(
        any(
            abs(axis - place.real - second.real) < 4 and abs(place.imag - second.imag) < 4
            for other, second in places.items()
            if (vertex < nodes) == (other < nodes)
        )
        for vertex, place in places.items()
    )


# ---- Drawing a part --------------------------------------------------------------------------------


class _Own(NamedTuple):
    """A leg and its vertices: two, or the one on which it is a loop or ends free."""

    vertices: tuple[int, ...]
    leg: Leg


@dataclass
class _Drawing:
    """A part with its vertices placed; `draw` adds legs and labels, and counts what is wrong."""

    network: Network
    part: list[int]
    places: Mapping[int, Point]
    scale: float
    side: Point
    legs: list[_Own] = field(default_factory=list)
    stops: list[tuple[str, Point]] = field(default_factory=list)
    captions: list[Caption] = field(default_factory=list)
    faults: float = 0.0
    _occupied: dict[int, list[float]] = field(default_factory=dict)
    _wanted: list[tuple[str, list[Point]]] = field(default_factory=list)

    def draw(self) -> None:
        self._occupied = {vertex: [] for vertex in self.part}
        opened = {tail.label for tail in self.network.tails if tail.rank is not None}
        for (one, other), bundle in self.network.bundles.items():
            if one in self.places:
                self._draw_bundle(one, other, bundle, opened)
        for vertex in self.part:
            self._draw_ends(vertex)
        for vertex, label in enumerate(self.network.dots, len(self.network.radii)):
            if vertex in self.places and label not in opened:
                self._want_at_dot(label, vertex)
        self._check()
        self._label()

    def _draw_bundle(self, one: int, other: int, bundle: list[Join], opened: set[str]) -> None:
        """The legs between two vertices, bowed apart if they are several."""
        start, end = self.places[one], self.places[other]
        ahead = (end - start) / abs(end - start)
        across = ahead * 1j
        if across.imag > 0.01 or (abs(across.imag) <= 0.01 and across.real < 0):
            across = -across  # upwards: the first of several legs is the highest
        single = 0.0
        if len(bundle) == 1:
            single = self._detour(one, other, across)
        for number, (label, *_) in enumerate(bundle):
            bow = single or ((len(bundle) - 1) / 2 - number) * _BOW * math.sqrt(self.scale)
            if bow:
                # A Bézier curve rises to three quarters of the height of its two inner points.
                first = start + 0.3 * (end - start) + across * bow * 4 / 3
                second = end - 0.3 * (end - start) + across * bow * 4 / 3
                points: tuple[Point, ...] = (
                    start + self._border(one, first - start),
                    first,
                    second,
                    end + self._border(other, second - end),
                )
            else:
                first, second = end, start
                points = (start + self._border(one, ahead), end + self._border(other, -ahead))
            leg = Leg(label, points)
            self.legs.append(_Own((one, other), leg))
            self._occupied[one].append(cmath.phase(first - start))
            self._occupied[other].append(cmath.phase(second - end))
            if other < len(self.network.radii):
                self._want_along(leg, across if bow >= 0 else -across)

    def _border(self, vertex: int, ahead: Point) -> Point:
        """From the centre of a vertex to its border. A leg runs on into a dot, which covers its end."""
        return 0 if vertex >= len(self.network.radii) else ahead / abs(ahead) * self.network.radius(vertex)

    def _detour(self, one: int, other: int, across: Point) -> float:
        """How far a leg is bowed to keep clear of a vertex on its way; 0 if none is."""
        start, end = self.places[one], self.places[other]
        for vertex, place in self.places.items():
            near = self.network.radius(vertex) + 9
            if vertex not in (one, other) and _off(place, start, end) < near:
                side = ((place - start) * across.conjugate()).real
                return (-1.0 if side > 0 else 1.0) * (near + 6 - abs(side))
        return 0.0

    def _draw_ends(self, vertex: int) -> None:
        """The loops of a vertex, then its legs that end free or in a dot, in the order of the output."""
        network, occupied = self.network, self._occupied[vertex]
        loops = [loop for loop in network.loops if loop.vertex == vertex]
        tails = [tail for tail in network.tails if tail.vertex == vertex]
        if not loops and not tails:
            return
        tails.sort(key=lambda tail: math.inf if tail.rank is None else tail.rank)
        if not occupied:
            turns, ends = _around(len(loops), len(tails), cmath.phase(self.side))
        else:
            turns = []
            for _ in loops:
                turns += self._gaps(vertex, 1, preferred=-math.pi / 2)
                occupied += [turns[-1] - 0.5, turns[-1] + 0.5]
            ends = self._gaps(vertex, len(tails), preferred=math.pi / 2)
            ends.sort(key=lambda angle: (round(math.cos(angle), 3), round(math.sin(angle), 3)))
        for loop, turn in zip(loops, turns, strict=True):
            self._draw_loop(loop, turn)
        for tail, angle in zip(tails, ends, strict=True):
            self._draw_tail(tail, angle)

    def _gaps(self, vertex: int, count: int, preferred: float) -> list[float]:
        """Directions for `count` legs in the gaps between those there are, the widest and clearest first."""
        taken = sorted(angle % math.tau for angle in self._occupied[vertex])
        gaps = [(a, (b - a) % math.tau or math.tau) for a, b in zip(taken, taken[1:] + taken[:1], strict=True)]
        shared = [0] * len(gaps)
        for _ in range(count):
            worth = []
            for number, (first, width) in enumerate(gaps):
                middle = first + width / 2
                room = width / (shared[number] + 1)
                # Straight on from the only neighbour is as good as it gets; elsewhere downwards is better.
                lean = 0.12 * math.cos(middle - preferred)
                crowd = min(self._clear(vertex, angle) for angle in _spread(first, width, shared[number] + 1))
                worth.append((-round(room * crowd + lean, 4), number))
            shared[min(worth)[1]] += 1
        return [angle for gap, legs in zip(gaps, shared, strict=True) for angle in _spread(*gap, legs)]

    def _clear(self, vertex: int, angle: float) -> float:
        """How good it is to draw a leg in a direction: 1 if it meets nothing."""
        start = self.places[vertex]
        end = start + cmath.rect(self.network.radius(vertex) + self._tail + 10, angle)
        good = 1.0
        for other, place in self.places.items():
            if other != vertex and _off(place, start, end) < self.network.radius(other) + 12:
                good *= 0.2
        for vertices, leg in self.legs:
            if vertex not in vertices and any(_cross(start, end, *piece) for piece in leg.pieces()):
                good *= 0.6
        return good

    @property
    def _tail(self) -> float:
        return _TAIL * (1 + 0.6 * (self.scale - 1))

    def _draw_tail(self, tail: Tail, angle: float) -> None:
        centre, ahead = self.places[tail.vertex], cmath.rect(1, angle)
        end = centre + ahead * (self.network.radius(tail.vertex) + self._tail)
        leg = Leg(tail.label, (centre + self._border(tail.vertex, ahead), end))
        self.legs.append(_Own((tail.vertex,), leg))
        if tail.rank is None:
            self.stops.append((tail.label, end))
        self._want_along(leg, _outward(ahead), tip=DOT if tail.rank is None else 0.0)

    def _draw_loop(self, loop: Loop, angle: float) -> None:
        centre, radius = self.places[loop.vertex], self.network.radius(loop.vertex)
        reach = radius + 46 + 14 * (self.scale - 1)
        points = (
            centre + cmath.rect(radius, angle - 0.42),
            centre + cmath.rect(reach, angle - 0.66),
            centre + cmath.rect(reach, angle + 0.66),
            centre + cmath.rect(radius, angle + 0.42),
        )
        leg = Leg(loop.label, points)
        self.legs.append(_Own((loop.vertex,), leg))
        places = [self._beside(loop.label, leg.at(t), cmath.rect(1, angle + turn)) for t, turn in _AROUND_LOOP]
        self._wanted.append((loop.label, places))

    # -- Labels

    def _want_along(self, leg: Leg, better: Point, tip: float | None = None) -> None:
        """A label beside its leg, near the middle, on the better side if that is free; or beyond its tip."""
        places = []
        for t in (0.5, 0.6, 0.4, 0.72, 0.28, 0.85) if tip is None else (0.56, 0.7, 0.42, 0.85, 0.97):
            across = leg.along(t) * 1j
            if (across * better.conjugate()).real < 0:
                across = -across
            for side in (across, -across):
                places.append(self._beside(leg.label, leg.at(t), side))
        if tip is not None:
            places.append(self._beside(leg.label, leg.at(1) + tip * leg.along(1), leg.along(1)))
        self._wanted.append((leg.label, places))

    def _want_at_dot(self, label: str, vertex: int) -> None:
        """The label of a dot without an open leg, somewhere around it."""
        turns = [-0.25, 0.25, -0.75, 0.75, 0, -0.5, 1, 0.5, -0.125, 0.125, -0.375, 0.375, -0.625, 0.625, -0.875, 0.875]
        places = [
            self._beside(
                label, self.places[vertex] + cmath.rect(DOT + out, math.pi * turn), cmath.rect(1, math.pi * turn)
            )
            for out in (0, 6)
            for turn in turns
        ]
        for _, leg in self.legs:
            if leg.label == label:
                places += [
                    self._beside(label, leg.at(t), side * leg.along(t)) for t in (0.6, 0.45) for side in (1j, -1j)
                ]
        self._wanted.append((label, places))

    def _beside(self, label: str, place: Point, side: Point) -> Point:
        """The centre of a label's box that touches, but for some air, a line through `place` across `side`."""
        half = (self.network.widths[label] * abs(side.real) + HEIGHT * abs(side.imag)) / 2
        return place + side * (half + _AIR)

    def _label(self) -> None:
        """Give each label the first place that is free. One that finds none goes first in the next try."""
        pieces = [(leg.label, *piece) for _, leg in self.legs for piece in leg.pieces()]
        free = [self._free(label, places, pieces) for label, places in self._wanted]
        order = sorted(range(len(free)), key=lambda number: len(free[number]))
        best: tuple[float, dict[int, Box]] | None = None
        for _ in range(6):
            taken: dict[int, Box] = {}
            cost, stuck = 0.0, []
            for number in order:
                fewest = math.inf
                for box, bad in free[number]:
                    worse = bad + sum(100 for other in taken.values() if box.meets(other.grown(_AIR)))
                    if worse < fewest:
                        fewest, taken[number] = worse, box
                    if worse == 0:
                        break
                cost += fewest
                if fewest:
                    stuck.append(number)
            if best is None or cost < best[0]:
                best = (cost, taken)
            if not stuck or order[: len(stuck)] == stuck:
                break
            order = stuck + [number for number in order if number not in stuck]
        if best is not None:
            self.faults += best[0]
            self.captions = [Caption(label, best[1][number]) for number, (label, _) in enumerate(self._wanted)]

    def _free(self, label: str, places: list[Point], pieces: list[tuple[str, Point, Point]]) -> list[tuple[Box, float]]:
        """Boxes for a label with what is wrong at each, the good ones first; a few good ones are enough."""
        good, others = [], []
        width = self.network.widths[label]
        for place in places:
            box = Box.around(place, width, HEIGHT)
            wide = box.grown(_AIR - 0.5)
            bad = 0.0
            for vertex, centre in self.places.items():
                bad += 100 * box.meets_circle(centre, self.network.radius(vertex) + _AIR - 0.5)
            for _, stop in self.stops:
                bad += 100 * box.meets_circle(stop, DOT + _AIR - 0.5)
            for other, start, end in pieces:
                bad += (wide if other != label else box).meets_line(start, end)
            if bad:
                others.append((box, bad))
            else:
                good.append((box, bad))
                if len(good) == 6:
                    break
        return good + sorted(others, key=lambda entry: entry[1])

    # -- What is wrong, and the end

    def _check(self) -> None:
        """Count what would be misread: a leg through what it does not belong to, or on top of another."""
        for one, other in combinations(self.part, 2):
            near = self.network.radius(one) + self.network.radius(other) + 14
            self.faults += 50 * (abs(self.places[one] - self.places[other]) < near)
        for vertices, leg in self.legs:
            for start, end in leg.pieces():
                for vertex, place in self.places.items():
                    if vertex not in vertices:
                        self.faults += 10 * (_off(place, start, end) < self.network.radius(vertex) + 5)
            if len(vertices) == 1 and len(leg.points) == 2:
                for _, near_by in self.legs:
                    if near_by is not leg:
                        self.faults += 5 * any(_off(leg.points[1], *piece) < 9 for piece in near_by.pieces())
        for vertex in self.part:
            around = [cmath.phase(leg.along(0)) for own, leg in self.legs if own[0] == vertex]
            around += [cmath.phase(-leg.along(1)) for own, leg in self.legs if len(own) == 2 and own[1] == vertex]
            for first, second in combinations(around, 2):
                self.faults += 5 * (abs((first - second + math.pi) % math.tau - math.pi) < 0.2)

    def finished(self) -> _Part:
        """The drawing and the box around it, moved so that its nodes are at height 0."""
        nodes = [self.places[vertex].imag for vertex in self.part if vertex < len(self.network.radii)]
        by = -1j * (max(nodes) + min(nodes)) / 2
        boxes = [
            Box.around(place, 2 * self.network.radius(v) + 2, 2 * self.network.radius(v) + 2)
            for v, place in self.places.items()
        ]
        boxes += [Box.around(place, 2 * DOT, 2 * DOT) for _, place in self.stops]
        boxes += [box for _, box in self.captions]
        boxes += [Box.around(point, 2, 2) for _, leg in self.legs for piece in leg.pieces() for point in piece]
        drawn = Layout(
            tuple(self.places[vertex] + by for vertex in self.part),
            tuple(Leg(leg.label, tuple(point + by for point in leg.points)) for _, leg in self.legs),
            tuple((label, place + by) for label, place in self.stops),
            tuple(Caption(label, box.moved(by)) for label, box in self.captions),
        )
        left, top = min(box.left for box in boxes), min(box.top for box in boxes)
        right, bottom = max(box.right for box in boxes), max(box.bottom for box in boxes)
        return _Part(drawn, Box(left, top, right, bottom).moved(by))


_AROUND_LOOP = ((0.5, 0.0), (0.3, -0.8), (0.7, 0.8), (0.38, -0.4), (0.62, 0.4))
"""Along a loop, where a label can stand, and in which direction from there."""


def _around(loops: int, tails: int, side: float) -> tuple[list[float], list[float]]:
    """Directions of a lone node's loops and legs: legs to the left, below and to the right, loops above."""
    if tails > 5 or loops > 3:
        step = math.tau / (tails + loops)
        every = [math.pi - step * number for number in range(tails + loops)]
        return every[tails:], every[:tails]
    turns = [-math.pi / 2 + 0.3 * math.pi * (number - (loops - 1) / 2) for number in range(loops)]
    ends = [side] if tails == 1 else [math.pi * (1 - number / (tails - 1)) for number in range(tails)]
    return turns, ends


def _spread(first: float, width: float, count: int) -> list[float]:
    """Directions of `count` legs in a gap: evenly, and in a wide gap gathered around its middle."""
    step = min(width / (count + 1), 1.15)
    middle = first + width / 2
    upright = round(middle / _QUARTER) * _QUARTER
    if abs(middle - upright) < 0.16:
        middle = upright
    return [middle + step * (number - (count - 1) / 2) for number in range(count)]


def _outward(ahead: Point) -> Point:
    """The better side of a leg: above one that is level, to the right of an upright one, else away from level."""
    x, y = ahead.real, ahead.imag
    if abs(x) > abs(y):
        return 1j if y > 0.2 else -1j
    return -1 if x < -0.2 else 1


def _off(place: Point, start: Point, end: Point) -> float:
    """How far a place is from a line's nearest point."""
    return abs(place - _nearest(place, start, end))


def _nearest(place: Point, start: Point, end: Point) -> Point:
    line = end - start
    t = ((place - start) * line.conjugate()).real / (abs(line) ** 2 or 1.0)
    return start + min(max(t, 0.0), 1.0) * line


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the lines a–b and c–d cross."""

    def turn(p: Point, q: Point, r: Point) -> float:
        return ((q - p).conjugate() * (r - p)).imag

    return turn(a, b, c) * turn(a, b, d) < 0 and turn(c, d, a) * turn(c, d, b) < 0
