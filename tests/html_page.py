"""Reading a page as a browser would: is it nested well, and what would it load?"""

import html.parser

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(html.parser.HTMLParser):
    """Checks nesting and unique ids, and gathers what a browser would load."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.loads, self.links, self.tags = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []
        assert len(set(self.ids)) == len(self.ids)

    def handle_startendtag(self, tag, attributes):
        self.note(tag, attributes)

    def handle_starttag(self, tag, attributes):
        self.note(tag, attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def note(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            elif tag == "a" and name == "href":
                self.links.append(value)
            elif name in ("src", "href", "xlink:href", "srcset", "data", "poster", "action"):
                self.loads.append(value)
