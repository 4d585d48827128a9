"""Ratings of films: MovieLens as ml-latest's CSV, ml-100k's u.data, and ml-1m's .dat."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from evals.datasets.reading import Reading, RowError
from evals.task import Dataset

_EXPECTED = (
    "MovieLens: ratings.csv with movies.csv, u.data with u.item, or ratings.dat with movies.dat"
)
# ml-100k's flags, in the order of its columns (u.genre).
_GENRES = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery"),
    *("Romance", "Sci-Fi", "Thriller", "War", "Western"),
)


@dataclass(frozen=True, slots=True)
class Film:
    """An item of the catalogue; the title ends with the year: "Toy Story (1995)"."""

    id: str
    title: str
    genres: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rating:
    user: str
    film: str
    stars: float
    at_s: int


def movielens(path: Path, *, held_out: float = 0.2, liked_from: float = 4.0) -> Dataset:
    """Users with what they rated, and what they came to like after that.

    Each user's ratings are cut by time: the last `held_out` of them are the gold, the others the
    history. Users whose held-out part holds no liked film are left out: no ranking of theirs could
    be right or wrong.

    Args:
        path: the folder.
        held_out: the share of each user's ratings, above 0 and below 1.
        liked_from: the stars from which a film counts as liked.

    Returns:
        inputs {"user", "history": [{"item", "rating", "at_s"}]}, the oldest first, at_s in Unix
        seconds; gold the list of liked items' ids. The films are `movielens_films(path)`.

    Raises:
        DatasetError: the files are missing, or no user can be measured on.
    """
    reading, films = _catalogue(path)
    ratings: defaultdict[str, list[_Rating]] = defaultdict(list)
    table = next(iter(reading.files("ratings.csv", "ratings.dat", "u.data")))
    for line, cells in _cells(reading, table):
        with reading.row(table, line):
            rating = _rating(cells)
            if rating.film not in films:
                raise RowError(f"rates an unknown film: {rating.film[:40]!r}")
            ratings[rating.user].append(rating)
    for user, rated in sorted(ratings.items(), key=lambda item: (len(item[0]), item[0])):
        rated.sort(key=lambda rating: (rating.at_s, rating.film))
        cut = len(rated) - max(1, round(len(rated) * held_out))
        liked = [rating.film for rating in rated[cut:] if rating.stars >= liked_from]
        if cut and liked:
            history: list[JsonValue] = [
                {"item": r.film, "rating": r.stars, "at_s": r.at_s} for r in rated[:cut]
            ]
            with reading.row(table, 1, f"user {user}"):
                reading.add(user, {"user": user, "history": history}, [*liked])
    return reading.dataset()


def movielens_films(path: Path) -> tuple[Film, ...]:
    """The catalogue, in the order of the file. Raises DatasetError where it can't be read."""
    return tuple(_catalogue(path)[1].values())


def _catalogue(path: Path) -> tuple[Reading, dict[str, Film]]:
    reading = Reading(path, _EXPECTED)
    if path.is_file():
        reading.refuse("is a file")
    file = next(iter(reading.files("movies.csv", "movies.dat", "u.item")))
    films: dict[str, Film] = {}
    for line, cells in _cells(reading, file):
        with reading.row(file, line):
            film = _flagged(cells) if file.name == "u.item" else _film(cells)
            films[film.id] = film
    if not films:
        reading.refuse(f"has no film in {file.name!r}")
    return reading, films


def _cells(reading: Reading, file: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows without the CSV's header. The older files are ISO 8859-1 and know no quotes."""
    if file.suffix == ".csv":
        header, rows = reading.table(file)
        if "movieId" not in header:
            reading.refuse(f"has a file without a column movieId: {file.name!r}")
        yield from rows
        return
    delimiter = {".dat": "::", ".data": "\t", ".item": "|"}[file.suffix]
    for line, row in reading.lines(file, fallback="iso-8859-1"):
        if row.strip():
            yield line, row.split(delimiter)


def _rating(cells: list[str]) -> _Rating:
    if len(cells) != 4:
        raise RowError(f"has {len(cells)} cells, not user, film, rating and time")
    user, film, stars, at_s = (cell.strip() for cell in cells)
    try:
        rating = _Rating(user, film, float(stars), int(at_s))
    except ValueError as error:
        raise RowError("has a rating or a time that is no number") from error
    if not 0.5 <= rating.stars <= 5 or not user or abs(rating.at_s) > 1e12:
        raise RowError("has a rating that is not between 0.5 and 5, or no user")
    return rating


def _film(cells: list[str]) -> Film:
    if len(cells) != 3 or not cells[0].strip() or not cells[1].strip():
        raise RowError("has no id, title and genres")
    genres = cells[2].strip()
    named = () if genres == "(no genres listed)" else tuple(filter(None, genres.split("|")))
    return Film(cells[0].strip(), cells[1].strip(), named)


def _flagged(cells: list[str]) -> Film:
    """id|title|release|video release|URL|19 flags."""
    flags = cells[5:]
    if len(flags) != len(_GENRES) or not cells[0].strip() or not cells[1].strip():
        raise RowError("has no id, title and 19 genre flags")
    genres = tuple(name for name, flag in zip(_GENRES, flags, strict=True) if flag.strip() == "1")
    return Film(cells[0].strip(), cells[1].strip(), genres)
