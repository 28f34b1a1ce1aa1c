"""What a page of HTML is made of, read with the standard library."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
# attributes whose address a browser fetches by itself; a link is fetched only when it is clicked
FETCHED = {"src", "srcset", "data", "poster", "background", "action", "formaction", "ping"}


@dataclass
class Page(HTMLParser):
    """Faults of nesting, identifiers, links, and what would be fetched."""

    text: str
    faults: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self.open = []
        self.feed(self.text)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            value = value or ""
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "xlink:href"):
                if value.startswith("#"):
                    self.targets.append(value[1:])
                elif tag != "a":
                    self.fetched.append(value)
            elif name in FETCHED:
                self.fetched.append(value)
            self._style(value)

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> where {self.open[-1:]} is open")
        else:
            self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self._style(data)

    def _style(self, text):
        for address in re.findall(r"url\(\s*['\"]?([^'\")]*)", text):
            (self.targets if address.startswith("#") else self.fetched).append(address.lstrip("#"))
        self.fetched += re.findall(r"@import[^;]*", text)

    @property
    def collisions(self):
        return sorted({name for name in self.ids if self.ids.count(name) > 1})

    @property
    def dangling(self):
        return sorted(set(self.targets) - set(self.ids))
