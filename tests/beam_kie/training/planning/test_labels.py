"""Which labels are learned, and what belongs together, as settings and label files say."""

import pytest

from beam_kie.geometry import box_polygon
from beam_kie.labelled.formats import LabelledEntry, LabelledPage
from beam_kie.training.planning.labels import label_fields
from beam_kie.training.planning.plan import network_config
from beam_kie.training.planning.values import SettingsError
from beam_kie.training.settings import Settings
from tests.small_networks import small_config

BOX = box_polygon((0, 0, 10, 10))


def page(*labels, links=()):
    """A page with one entry of each label, and links between their places."""
    entries = [
        LabelledEntry(number, "text", label, BOX, tuple(link for link in links if number in link))
        for number, label in enumerate(labels)
    ]
    return LabelledPage("p.png", 100, 100, tuple(entries))


INVOICE = page("NO_KEY", "NO", "DATE_KEY", "DATE", "VENDOR", "OTHER", links=[(0, 1), (2, 3)])


def test_labels_of_the_files_are_learned_where_none_are_named():
    fields = label_fields({}, None, [INVOICE])
    assert fields["labels"] == ("DATE", "DATE_KEY", "NO", "NO_KEY", "VENDOR")
    assert fields["head_labels"] == ("DATE_KEY", "NO_KEY") and fields["tail_labels"] == ("DATE", "NO")
    assert set(fields["links"]) == {("NO_KEY", "NO"), ("DATE_KEY", "DATE")}
    assert fields["keyless_labels"] == ("DATE", "NO", "VENDOR")


def test_the_end_that_comes_first_in_most_links_is_the_key():
    pages = [page("A", "B", links=[(0, 1)])] * 3 + [page("A", "B", links=[(1, 0)])]
    assert label_fields({}, None, pages)["links"] == (("A", "B"),)


@pytest.mark.parametrize(
    "links", [{"no_key": ["no"], "DATE_KEY": "DATE"}, [["NO_KEY", "NO"], ["DATE_KEY", "DATE"]]]
)
def test_settings_may_name_what_belongs_together(links):
    fields = label_fields({"links": links}, None, [INVOICE])
    assert set(fields["links"]) == {("NO_KEY", "NO"), ("DATE_KEY", "DATE")}
    assert (fields["head_labels"], fields["tail_labels"]) == (("NO_KEY", "DATE_KEY"), ("NO", "DATE"))
    config = network_config(Settings(output="x", network={"links": links}), None, [INVOICE], 50)
    assert config.may_link("NO_KEY", "NO") and not config.may_link("NO_KEY", "DATE")


def test_named_keys_and_values_go_together_freely():
    network = {"labels": ["NO_KEY", "NO"], "head_labels": ["NO_KEY"], "tail_labels": ["NO"]}
    fields = label_fields(network, None, [INVOICE])
    assert fields.get("links", ()) == () and fields["keyless_labels"] == ("NO",)


def test_standard_labels_keep_their_meaning_and_have_no_rows_without_keys():
    fields = label_fields({}, None, [page("QUESTION", "ANSWER", links=[(1, 0)])])
    assert fields == {
        "labels": ("QUESTION", "ANSWER", "HEADER"),
        "head_labels": ("QUESTION",),
        "tail_labels": ("ANSWER",),
    }


def test_labels_of_the_network_to_begin_from_stay_where_they_cover_the_pages():
    start = small_config(
        labels=("NO_KEY", "NO", "DATE", "DATE_KEY", "VENDOR", "MORE"),
        head_labels=("NO_KEY",),
        tail_labels=("NO",),
        links=(("NO_KEY", "NO"),),
    )
    fields = label_fields({}, start, [INVOICE])
    assert (fields["labels"], fields["links"]) == (start.labels, start.links)
    assert label_fields({"head_labels": ["DATE_KEY"]}, start, [INVOICE])["links"] == ()


@pytest.mark.parametrize(
    ("network", "pages", "says"),
    [
        ({"labels": ["VENDR", "NO"]}, [INVOICE], "VENDR is in no label file; did you mean VENDOR"),
        ({"labels": ["SHIP", "PORT"]}, [INVOICE], "the label files hold DATE, DATE_KEY"),
        ({}, [page("OTHER", "IGNORE")], "name no entity"),
        ({"links": {"NO_KEY": [["NO"]]}}, [INVOICE], "must look like"),
        ({"links": {"NO_KEY": ["TOTAL"]}}, [INVOICE], "links: TOTAL is unknown"),
    ],
)
def test_labels_that_do_not_fit_the_files_are_refused(network, pages, says):
    with pytest.raises(SettingsError, match=says):
        network_config(Settings(output="x", network=network), None, pages, 50)
