"""Pictures of our own, which another picture is compared with."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import uuid
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from tools.errors import NotFound
from tools.knowledge.names import check_collection, check_name, is_uuid
from tools.knowledge.passages import DEFAULT_COLLECTION
from tools.knowledge.vectors import LOOK, Point, Vectors, VectorStore
from tools.media import decode_image
from tools.pictures import encode

if TYPE_CHECKING:
    from model_servers.images import Image
    from model_servers.pool import ModelPool

SHOWN_SIDE = 512
"""The longer side in pixels of the copy that is kept to be shown."""

_FORMAT = "1"
"""Part of every content hash: raise it when features or copies are made differently."""
_NAMESPACE = uuid.UUID("0f4f2a53-7f0c-4b7e-8a57-51f6f0a2c9de")


class Looks(Protocol):
    """Pictures to features (n, 1280) whose rows have length 1."""

    async def __call__(
        self, images: Sequence[Image], *, deadline: float | None
    ) -> NDArray[np.float32]: ...


class Picture(BaseModel):
    """A picture that was taken in; width and height are the original's, in pixels."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    title: str
    collection: str
    width: int
    height: int
    content_hash: str


# `list` the method would hide `list` the type below it.
_Pictures = list[Picture]


class PictureMatch(NamedTuple):
    """A picture that was found. `score` is the cosine of its features and the other's."""

    picture: Picture
    score: float


class PictureBase:
    """Pictures to compare with, in a vector store that it owns.

    Every method raises StoreUnavailable when the store can't be reached, and what the classifier
    raises; bad names raise InvalidInput.

    Args:
        store: where the features lie, with a small copy of each picture; of the layout PICTURES.
        looks: pictures to features, as `looks` in this module.
    """

    def __init__(self, store: VectorStore, looks: Looks) -> None:
        self._store = store
        self._looks = looks
        self._writing = asyncio.Lock()

    async def add(
        self,
        name: str,
        content: bytes,
        *,
        collection: str = DEFAULT_COLLECTION,
        deadline: float | None = None,
    ) -> Picture:
        """Take a picture in, or its new version; one that is known already is left alone.

        Args:
            name: unique in its collection, such as "mugs/blue mug.jpg": its title is "blue mug".
            content: a file that `decode_image` reads. Raises InvalidInput where it can't.
            deadline: on the clock of `time.monotonic()`.
        """
        check_name(name, "picture")
        check_collection(collection)
        identity = _picture_id(collection, name)
        content_hash = hashlib.sha256(_FORMAT.encode() + content).hexdigest()
        async with self._writing:
            known = await self._store.get([identity])
            if known and known[0].payload["content_hash"] == content_hash:
                return _as_picture(known[0])
            image = await asyncio.to_thread(decode_image, content, name=name)
            (features,) = await self._looks([image], deadline=deadline)
            height, width = image.shape[:2]
            picture = Picture(
                id=identity,
                name=name,
                title=PurePosixPath(name).stem,
                collection=collection,
                width=width,
                height=height,
                content_hash=content_hash,
            )
            shown = base64.b64encode(await asyncio.to_thread(_shown_copy, image)).decode()
            copy = Point(_copy_id(identity), {"kind": "copy", "document": identity, "jpeg": shown})
            # Last, so that a picture that is found can be shown.
            await self._store.upsert([copy])
            await self._store.upsert([_picture_point(picture, features)])
            return picture

    async def remove(self, picture: str, collection: str = DEFAULT_COLLECTION) -> Picture:
        """Remove a picture, by its name in a collection or by its id. Raises NotFound."""
        check_collection(collection)
        async with self._writing:
            ids = [_picture_id(collection, picture), *([picture] if is_uuid(picture) else [])]
            points = await self._store.get(ids)
            found = [point for point in points if point.payload["kind"] == "picture"]
            if not found:
                raise NotFound(f"There is no picture {picture!r} in {collection!r}.")
            await self._store.delete({"document": found[0].id})
            return _as_picture(found[0])

    async def list(self, collection: str | None = None) -> _Pictures:
        """The pictures of a collection, or of all, by collection and name."""
        where = {"kind": "picture"}
        if collection is not None:
            check_collection(collection)
            where["collection"] = collection
        pictures = map(_as_picture, await self._store.scan(where))
        return sorted(pictures, key=lambda each: (each.collection, each.name))

    async def search(
        self,
        image: Image,
        *,
        collection: str = DEFAULT_COLLECTION,
        limit: int = 5,
        deadline: float | None = None,
    ) -> Sequence[PictureMatch]:
        """The pictures most like another one, the likest first; none where there are none.

        Args:
            image: (height, width, 3) RGB.
            deadline: on the clock of `time.monotonic()`.
        """
        check_collection(collection)
        where = {"kind": "picture", "collection": collection}
        if not await self._store.count(where):
            return []
        (features,) = await self._looks([image], deadline=deadline)
        hits = await self._store.query(Vectors({LOOK: features.tolist()}), where, limit)
        # The store's own score is one of ranks.
        found = [
            PictureMatch(
                _as_picture(hit.point),
                float(np.dot(features, np.asarray(hit.point.vectors.dense[LOOK]))),
            )
            for hit in hits
        ]
        return sorted(found, key=lambda match: -match.score)

    async def shown(self, pictures: Sequence[Picture]) -> tuple[bytes, ...]:
        """A copy of each to show, as JPEG. Raises NotFound where one was removed meanwhile."""
        found = await self._store.get([_copy_id(picture.id) for picture in pictures])
        copies = {copy.id: copy for copy in found}
        for picture in pictures:
            if _copy_id(picture.id) not in copies:
                raise NotFound(f"{picture.name} was removed; ask again.")
        ids = (_copy_id(picture.id) for picture in pictures)
        return tuple(base64.b64decode(copies[id].payload["jpeg"]) for id in ids)

    async def close(self) -> None:
        """Give the store back."""
        await self._store.close()


async def looks(
    pool: ModelPool, images: Sequence[Image], *, deadline: float | None
) -> NDArray[np.float32]:
    """Features (n, 1280) of pictures, by the image classifier. Raises as `ModelPool.predict`."""
    glances = await pool.predict("image-classifier", images, deadline=deadline)
    return np.stack([glance.features for glance in glances])


def _picture_id(collection: str, name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{collection}\n{name}"))


def _copy_id(picture_id: str) -> str:
    return str(uuid.uuid5(uuid.UUID(picture_id), "copy"))


def _picture_point(picture: Picture, features: NDArray[np.float32]) -> Point:
    payload = picture.model_dump(exclude={"id"})
    return Point(
        picture.id,
        {"kind": "picture", "document": picture.id, **payload},
        Vectors({LOOK: features.tolist()}),
    )


def _as_picture(point: Point) -> Picture:
    fields = {key: point.payload[key] for key in Picture.model_fields if key != "id"}
    return Picture(id=point.id, **fields)


def _shown_copy(image: Image) -> bytes:
    from PIL import Image as Pillow

    picture = Pillow.fromarray(image)
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Pillow.Resampling.LANCZOS)
    return encode(np.asarray(picture, dtype=np.uint8), "jpeg")
