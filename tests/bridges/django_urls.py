"""Which views does the Django project of these tests have? One, inside a transaction for each request."""

from django.db import connection  # type: ignore[import-untyped] # Django has no types of its own
from django.http import HttpRequest, JsonResponse  # type: ignore[import-untyped] # as above
from django.urls import path  # type: ignore[import-untyped] # as above

from omnicore.adapters.django import joined
from omnicore.host import Host
from omnicore.kernel.errors import Refused
from omnicore.testing.kit_shop import checkout, receive, reserve

SHOP: list[Host] = []
"""The host of the test that runs."""


def post_parcel(request: HttpRequest, parcel: str) -> JsonResponse:
    """Write a parcel, command what is asked, start a process, and fail if that is asked."""
    shop = SHOP[-1].within(joined())
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO parcels VALUES (%s)", [parcel])
    shop.run(receive(amount=5), command=f"receive-{parcel}")
    shop.start(checkout(order=parcel, amount=1, price=100), command=parcel)
    if request.GET.get("fail"):
        raise ZeroDivisionError
    try:
        shop.run(reserve(hold="h", amount=int(request.GET.get("reserve", "1"))))
    except Refused as refused:
        return JsonResponse(refused.problem(), status=refused.status)
    return JsonResponse({"parcel": parcel}, status=201)


urlpatterns = [path("parcels/<str:parcel>", post_parcel)]
