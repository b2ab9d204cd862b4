"""The dashboard in a real browser: live, acted in, by keyboard, on a phone, in the dark; by axe's rules."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Post, Window
from tests.webapp.http.keys import API_TOKEN

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
PAGES = (
    *("/", "/dashboard/attention", "/dashboard/claims", "/dashboard/users", "/dashboard/money"),
    *("/dashboard/effects", "/dashboard/deadletters", "/dashboard/deadletters?dropped=1"),
    *("/dashboard/deadletters/all?act=retry", "/dashboard/claims?state=nowhere", "/login"),
)


def path_of(seller: str, claim: str) -> str:
    return f"/dashboard/claim?user_id={seller}&claim_id={claim}"


def given_up(page: Page, post: Post, seller: str, claim: str) -> None:
    """File a claim whose handler fails, and wait until its effect is given up."""
    post("claim/submitted", user_id=seller, claim_id=claim, amazon_case_id=f"case-of-{seller}")
    page.goto(path_of(seller, claim))
    expect(page.get_by_role("row", name="tell_the_marketplace dead")).to_be_visible()


def test_a_claim_is_seen_to_move_on_the_picture_and_on_its_page(
    page: Page, post: Post, seller: str, claim: str
) -> None:
    page.goto("/")
    matched = page.locator('[data-state="matched"]')
    before = int(matched.text_content() or "")
    post("evidence-matching/complete", user_id=seller, claim_id=claim, confidence=0.6)
    expect(matched).not_to_have_text(str(before))

    page.get_by_role("link", name=re.compile("^matched: ")).click()
    page.get_by_role("link", name=claim, exact=True).click()
    state = page.locator("#state")
    expect(state).to_have_text("matched")
    post("payout/received", user_id=seller, claim_id=claim, amount="3.00")
    expect(state).to_have_text("paid")
    expect(page.locator(".timeline li").first).to_contain_text("3.00")


def test_a_claim_is_found_by_keyboard_alone_and_a_trigger_fired(page: Page, seller: str, claim: str) -> None:
    def reach(name: str, role: str, most: int = 60) -> None:
        """Press Tab until something of that name has the focus; it must be seen to have it."""
        wanted = page.get_by_role(role, name=name, exact=True).first  # type: ignore[arg-type]  # a role
        for _ in range(most):
            page.keyboard.press("Tab")
            if wanted.evaluate("one => one === document.activeElement"):
                return
        raise AssertionError(f"Tab never reaches {name}")

    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    reach("Find a claim, user, case or reimbursement", "searchbox")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.type(claim)
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard/claims?find=*")
    reach(claim, "link")
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard/claim?*")
    summary = page.locator("summary", has_text="claim submitted")
    for _ in range(60):
        page.keyboard.press("Tab")
        if summary.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    reach("Reason", "textbox")
    page.keyboard.type("filed by hand")
    reach("Fire claim submitted", "button")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status").first).to_have_text("Done: it was applied.")
    expect(page.locator(".timeline li").first).to_contain_text("by operator, because filed by hand")


def test_what_a_trigger_would_do_is_told_before(page: Page, seller: str, claim: str) -> None:
    page.goto(path_of(seller, claim))
    page.locator("summary", has_text="payout received").click()
    form = page.locator("form", has=page.get_by_role("button", name="Fire payout received"))
    form.get_by_label("amount").fill("5.00")
    form.get_by_role("button", name="What would it do?").click()

    expect(page.get_by_role("status").first).to_contain_text("Nothing was done yet.")
    expect(page.locator("#state")).to_have_text("detected")


def test_money_that_waits_is_settled_by_one_click(page: Page, post: Post, seller: str, claim: str) -> None:
    post(
        "payout/received", user_id=seller, amount="7.77", amazon_case_id="unheard-of", event_id=f"p-{seller}"
    )
    page.goto("/dashboard/attention")
    page.get_by_role("button", name=f"Settle p-{seller}: it is of {claim}").click()

    expect(page.get_by_role("status").first).to_have_text("Done: it was applied.")
    page.goto(path_of(seller, claim))
    expect(page.locator("#state")).to_have_text("paid")


def test_all_that_match_are_retried_after_their_count_and_amount_were_told(
    page: Page, post: Post, seller: str, claim: str
) -> None:
    given_up(page, post, seller, claim)
    for number, amount in enumerate(("1.25", "2.50")):
        fields = {"amount": amount, "amazon_case_id": f"unheard-of-{number}", "currency": "USD"}
        post("payout/received", user_id=seller, event_id=f"p{number}-{seller}", **fields)
    page.goto(f"/dashboard/deadletters?user_id={seller}")
    page.get_by_role("link", name="retry all…").click()
    counted = page.locator("#counted")
    expect(counted).to_have_text(
        "3 dead letters match; their money, payouts less reversals: 3.75 USD. Nothing was done yet."
    )
    page.get_by_label("Reason, if you like").fill("the marketplace is back")
    page.get_by_role("button", name="Retry 3").click()

    expect(page.get_by_role("status")).to_have_text(
        "Of 3 dead letters 1 are settled, 2 wait again, 0 failed again."
    )
    page.goto(path_of(seller, claim))
    expect(page.get_by_role("row", name="tell_the_marketplace done")).to_be_visible()


def test_all_of_one_reason_are_retried_from_where_they_are_grouped(
    page: Page, post: Post, seller: str, claim: str
) -> None:
    given_up(page, post, seller, claim)
    page.goto("/dashboard/attention")
    group = page.get_by_role("row", name="RuntimeError: the marketplace hung up")
    group.get_by_role("link", name="Retry all…").first.click()
    expect(page.locator("#counted")).to_contain_text("no money is in them")
    page.get_by_role("button", name=re.compile("^Retry [0-9]+$")).click()

    expect(page.get_by_role("status")).to_contain_text("0 wait again, 0 failed again")
    page.goto(path_of(seller, claim))
    expect(page.get_by_role("row", name="tell_the_marketplace done")).to_be_visible()


def test_what_was_opened_stays_open_while_the_page_goes_on(
    page: Page, post: Post, seller: str, claim: str
) -> None:
    page.goto("/")
    page.locator("summary", has_text="The same as a table").click()
    rows = page.get_by_role("row", name=re.compile("^matched"))
    before = rows.inner_text()
    page.get_by_role("button", name="Pause live updates").focus()
    post("evidence-matching/complete", user_id=seller, claim_id=claim, confidence=0.6)

    expect(rows).not_to_have_text(before, use_inner_text=True)
    expect(rows).to_be_visible()


def test_money_is_plotted_and_its_table_is_a_key_away(
    page: Page, post: Post, seller: str, claim: str
) -> None:
    post("payout/received", user_id=seller, claim_id=claim, amount="3.00")
    page.goto("/dashboard/money?currency=USD")
    expect(page.get_by_role("img", name="Recovered and reversed a week in USD")).to_be_visible()
    summary = page.locator("summary", has_text="As a table")
    summary.focus()
    page.keyboard.press("Enter")

    table = page.get_by_role("table", name="USD by the week that begins on")
    expect(table).to_be_visible()
    assert table.get_by_role("row").count() == 1 + 1 + 12 + 1


def test_long_ids_widen_no_page(page: Page, post: Post, seller: str) -> None:
    long = f"{seller}-{'x' * 240}"[:255]
    post("sync/complete", user_id=long, sync_id=long)
    post("detection/complete", user_id=long, sync_id=long, claims=[{"claim_id": long, "amount": "1.00"}])
    post("payout/received", user_id=long, amount="1.00", amazon_case_id=long, event_id=long)
    page.set_viewport_size({"width": 360, "height": 740})
    paths = ("/dashboard/attention", path_of(long, long), f"/dashboard/user?user_id={long}")
    for path in (*paths, f"/dashboard/claims?find={long}", f"/dashboard/money?user_id={long}"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_dead_letters_are_retried_one_by_one_and_all_at_once(
    page: Page, post: Post, seller: str, claim: str
) -> None:
    given_up(page, post, seller, claim)
    page.goto(f"/dashboard/deadletters?kind=effect&user_id={seller}")
    page.get_by_role("button", name="Retry tell_the_marketplace").click()
    expect(page.get_by_role("status").first).to_contain_text("it is owed again")
    page.goto(path_of(seller, claim))
    expect(page.get_by_role("row", name="tell_the_marketplace done")).to_be_visible()

    post("claim/rejected", user_id=seller, claim_id=claim, amazon_case_id=f"case-of-{seller}")
    post("payout/received", user_id=seller, amount="1.00", amazon_case_id="unheard-of")
    page.goto(f"/dashboard/deadletters?user_id={seller}")
    page.get_by_role("link", name="drop all…").click()
    expect(page.locator("#counted")).to_contain_text("1 dead letter matches")
    expect(page.locator("#counted")).to_contain_text("1.00")
    page.get_by_label("Reason").fill("a test's")
    page.get_by_role("button", name="Drop 1").click()
    expect(page.get_by_role("status").first).to_contain_text("Of 1 dead letters 1 were dropped")


@pytest.mark.parametrize(
    "window",
    [{}, {"color_scheme": "dark"}, {**PHONE, "color_scheme": "dark"}, PHONE],
    ids=["light", "dark", "phone, dark", "phone"],
    indirect=True,
)
def test_axe_finds_nothing_and_no_page_is_wider_than_its_window(
    window: Window, page: Page, post: Post, seller: str, claim: str
) -> None:
    given_up(page, post, seller, claim)
    post("payout/received", user_id=seller, amount="1.00", amazon_case_id="unheard-of")
    faults: list[str] = []
    for path in (*PAGES, path_of(seller, claim), f"/dashboard/user?user_id={seller}"):
        page.goto(path)
        page.wait_for_load_state()
        found = Axe().run(page)
        faults += [f"{path}: {found.generate_report()}"] if found.violations_count else []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert faults == [], "\n".join(faults)
    page.goto("/")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert ground == ("rgb(22, 24, 28)" if is_dark else "rgb(251, 251, 250)")
    window.complaints[:] = [one for one in window.complaints if "status of 400" not in one]


def test_a_hostile_id_is_shown_as_text(page: Page, post: Post, seller: str) -> None:
    hostile = f"<img src=x onerror=alert(1)>'\"&/?#{seller}"
    post("sync/complete", user_id=hostile, sync_id=hostile)
    post("detection/complete", user_id=hostile, sync_id=hostile, claims=[{"claim_id": hostile}])
    page.on("dialog", lambda dialog: pytest.fail("a script ran"))
    page.goto("/dashboard/claims?sort=-entered_at")
    page.get_by_role("link", name=hostile, exact=True).first.click()

    expect(page.get_by_role("heading", level=1)).to_have_text(f"Claim {hostile}")
    page.get_by_role("link", name=hostile, exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"User {hostile}")


def test_who_signs_out_sees_nothing_more_and_is_led_back_to_the_page_asked_for(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
    page.goto("/dashboard/money")
    page.wait_for_url("**/login?next=/dashboard/money")
    page.get_by_label("The operator's token").fill(API_TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/dashboard/money")


@pytest.mark.parametrize("window", [{"java_script_enabled": False}], ids=["no script"], indirect=True)
def test_all_of_it_works_without_a_script(page: Page, seller: str, claim: str) -> None:
    page.goto("/")
    page.get_by_role("link", name=re.compile("^detected: ")).click()
    page.goto(path_of(seller, claim))
    page.locator("summary", has_text="claim submitted").click()
    form = page.locator("form", has=page.get_by_role("button", name="Fire claim submitted"))
    form.get_by_label("Reason").fill("by hand")
    form.get_by_role("button", name="Fire claim submitted").click()

    expect(page.locator("#state")).to_have_text("submitted")
