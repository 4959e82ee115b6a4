"""Journeys as pages without JavaScript: start, pages, back, check, submit, waiting, the end; and who may see what."""

from __future__ import annotations

from journey_rig import World, play


def test_a_journey_is_played_from_its_start_to_its_end() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        assert (page.status, page.kind) == (200, "page")
        assert page.url.path.endswith("/who")
        page = await browser.post(page, "next", {"name": "Ada", "email": "ada@example.com"})
        assert page.url.path.endswith("/what")
        page = await browser.post(page, "back", {"amount": "nonsense"})
        assert page.url.path.endswith("/who")
        assert page.fields["f:name"] == "Ada"
        page = await browser.post(page, "next")
        assert page.fields["f:amount"] == "nonsense", "Back judges nothing and loses nothing"
        page = await browser.post(page, "next", {"amount": "nonsense"})
        assert (page.status, page.kind) == (422, "page")
        page = await browser.post(page, "next", {"amount": "12"})
        assert page.kind == "check"
        assert "Ada" in page.html
        page = await browser.post(page, "submit")
        assert page.kind == "page"
        assert "f:signed" in page.fields
        page = await browser.post(page, "submit", {"signed": "Ada"})
        assert page.kind == "end"
        [instance] = world.engine.instances()
        assert instance.state == "completed"
        assert world.engine.reader().variables("<default>", instance.key) == {
            "name": "Ada", "email": "ada@example.com", "amount": 12, "signed": "Ada",
        }  # fmt: skip

    play(conversation)
