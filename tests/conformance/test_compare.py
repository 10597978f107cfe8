import json

from tests.conformance.compare import (
    Answer,
    Compared,
    Difference,
    differences,
    picked,
    put_in_order,
)


def plain(text, status=200):
    return Answer(
        status=status, headers={"content-type": "text/plain; charset=UTF-8"}, body=text.encode()
    )


def jsoned(value):
    body = json.dumps(value).encode()
    return Answer(status=200, headers={"content-type": "application/json"}, body=body)


def found(real, ours, **more):
    return [str(each) for each in differences(jsoned(real), jsoned(ours), Compared(**more))]


def test_the_same_answer_does_not_differ():
    assert differences(plain("Ok."), plain("Ok.")) == []
    assert found({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}) == []


def test_texts_are_compared_word_for_word():
    assert differences(plain("Ok."), plain("Ok.\n")) == [
        Difference(what="body", real="'Ok.'", ours="'Ok.\\n'")
    ]


def test_status_and_content_type_are_compared():
    [kind, status] = differences(
        plain("[]"), Answer(status=404, headers={"content-type": "text/html"}, body=b"[]")
    )

    assert (kind.what, status.what) == ("content type", "status")


def test_the_charset_belongs_to_the_content_type_and_blanks_do_not():
    spaced = Answer(status=200, headers={"content-type": "Text/Plain;charset=utf-8"}, body=b"x")
    bare = Answer(status=200, headers={"content-type": "text/plain"}, body=b"x")

    assert differences(plain("x"), spaced) == []
    assert [each.what for each in differences(plain("x"), bare)] == ["content type"]


def test_keys_that_one_lacks_are_told_from_keys_that_it_has_too_many():
    assert found({"a": 1, "b": 1}, {"a": 1, "c": 1}) == ["extra key c", "missing key b"]


def test_values_may_differ():
    assert found({"a": 1, "b": "x"}, {"a": 2, "b": "y"}) == []


def test_kinds_of_values_may_not():
    assert found({"a": 1}, {"a": "1"}) == ["JSON type a: int there, str here"]
    assert found({"a": True}, {"a": 1}) == ["JSON type a: bool there, int here"]
    assert found({"a": None}, {"a": {}}) == ["JSON type a: null there, object here"]


def test_a_whole_number_with_a_point_is_another_kind():
    assert found({"size": 1}, {"size": 1.0}) == ["JSON type size: int there, float here"]


def test_fractions_may_be_whole():
    assert found([{"ratio": 0}], [{"ratio": 0.0}]) == []
    assert found([{"ratio": 0}], [{"ratio": "0"}]) == ["JSON type #/ratio: int there, str here"]


def test_lists_are_compared_by_length_and_element():
    assert found([1, 2], [1]) == ["length: 2 there, 1 here"]
    assert found([1, 2], [1, "2"]) == ["JSON type #: int there, str here"]


def test_like_differences_in_a_list_are_one():
    assert found([{"a": 1}] * 3, [{}] * 3) == ["missing key #/a"]


def test_what_stands_under_a_hash_is_like_an_element():
    hashes = ["a" * 40, "b" * 40]
    real, ours = ({one: {"a": value} for one in hashes} for value in (1, "1"))

    assert found({"torrents": real}, {"torrents": ours}) == [
        "JSON type torrents/#/a: int there, str here"
    ]


def test_elements_are_told_apart_by_hash_not_by_place():
    real = [{"hash": "1", "x": 1}, {"hash": "2", "x": "1"}]

    assert found(real, real[::-1]) == []


def test_values_that_a_case_names_are_compared():
    assert found([{"name": "a"}], [{"name": "b"}], values=("name",)) == [
        'value name: [{"name": "a"}] there, [{"name": "b"}] here'
    ]


def test_order_counts_where_a_case_says_so():
    real, ours = [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}]

    assert found(real, ours, values=("name",)) == []
    assert len(found(real, ours, values=("name",), ordered=True)) == 1


def test_only_values_count_where_keys_depend_on_the_moment():
    assert found({"a": 1}, {"b": 1}, shape=False) == []


def test_lengths_do_not_count_where_each_lists_its_own():
    assert found([1, 2], [1], lengths=False) == []
    assert found([1, 2], ["1"], lengths=False) == ["JSON type #: int there, str here"]


def test_headers_that_a_case_names_are_compared():
    real = Answer(status=200, headers={"set-cookie": "SID=1"})
    told = Compared(headers=("set-cookie",))

    assert [str(each) for each in differences(real, Answer(status=200), told)] == [
        "header set-cookie: SID=1 there, none here"
    ]


def test_bytes_are_compared_and_not_shown():
    real, ours = Answer(status=200, body=b"\xff\xfe"), Answer(status=200, body=b"\xff")

    assert [str(each) for each in differences(real, ours)] == [
        "body: '2 bytes' there, '1 bytes' here"
    ]


def test_an_object_of_objects_is_picked_from_each():
    assert picked({"films": {"name": "films", "x": 1}}, ("name",)) == {"films": {"name": "films"}}
    assert picked({"name": "films", "x": 1}, ("name",)) == {"name": "films"}
    assert picked({"x": 1}, ("*",)) == {"x": 1}


def test_lists_are_put_in_order():
    assert put_in_order(["b", "a"]) == ["a", "b"]
    assert put_in_order([{"hash": "2"}, {"hash": "1"}]) == [{"hash": "1"}, {"hash": "2"}]
    assert put_in_order("text") == "text"
