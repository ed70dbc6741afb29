"""Under which keys are returns stored, and how is one found by its own id?"""

from omnicore.kernel.records import Index, Kind
from omnicore.returns.model import ReturnBook

RETURN_BOOKS = Kind(
    name="returns.book",
    type=ReturnBook,
    key=lambda book: book.order,
    indexes=(Index("return", lambda book: ((each.id,) for each in book.returns), unique=True),),
)
