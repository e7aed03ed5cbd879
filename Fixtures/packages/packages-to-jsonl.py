#!/usr/bin/env python3
"""Debian's package records as JSON lines, one document per package: real data to load, query and replicate.

    packages-to-jsonl.py                    what apt knows here (`apt-cache dumpavail`)
    packages-to-jsonl.py Packages           a Packages file; `-` reads one from standard input
    packages-to-jsonl.py --sample 2000      2,000 of them, always the same for the same input

Members have Debian's own field names; values have the type they mean: sizes are integers, relations
(Depends, Provides, ...) arrays of objects, people {name, email}, tags an array.
`_id` is the package's name, `name:arch` or `name:arch=version` (as apt writes them) where that is taken.
"""
import argparse
import hashlib
import json
import re
import subprocess
import sys

RELATIONS = {"Depends", "Pre-Depends", "Recommends", "Suggests", "Enhances", "Breaks", "Conflicts", "Replaces",
             "Provides"}
INTEGERS = {"Size", "Installed-Size"}
PEOPLE = {"Maintainer", "Original-Maintainer"}
WORDS = {"Tag": ",", "Ruby-Versions": " ", "Lua-Versions": " ", "Build-Ids": " "}
YES = {"Essential", "Protected", "Important", "Build-Essential"}

#: one package in a relation: name[:arch] [(relation version)] [[architectures]]
RELATED = re.compile(r"(?P<name>[^\s:(\[]+)(?::(?P<qualifier>[\w-]+))?"
                     r"(?:\s*\((?P<relation><<|<=|=|>=|>>)\s*(?P<version>[^)\s]+)\s*\))?"
                     r"(?:\s*\[(?P<architectures>[^]]*)\])?")


def paragraphs(lines):
    """The records of a control file: each a dictionary of field to text, line breaks kept."""
    record, field = {}, None
    for line in lines:
        line = line.rstrip("\n")
        if not line.strip():
            if record:
                yield record
            record, field = {}, None
        elif line[0] in " \t" and field:
            record[field] += "\n" + line.strip()
        elif ":" in line:
            field, _, text = line.partition(":")
            record[field] = text.strip()
    if record:
        yield record


def related(text):
    """One package of a relation as an object; text that breaks the rules stays text."""
    match = RELATED.fullmatch(text)
    return {k: v for k, v in match.groupdict().items() if v} if match else {"name": text}


def relation(text):
    """`a (>= 1), b | c` as [{name, relation, version}, {name, or: [{name}]}]."""
    out = []
    for item in filter(None, (x.strip() for x in text.replace("\n", " ").split(","))):
        first, *others = [related(x.strip()) for x in item.split("|")]
        out.append(first | {"or": others} if others else first)
    return out


def person(text):
    """`Name <email>` as {name, email}."""
    match = re.fullmatch(r"(.*?)\s*<([^<>]*)>", text)
    return {"name": match[1].strip('"'), "email": match[2]} if match else {"name": text}


def description(text):
    """The synopsis and, where there is one, the long text with its paragraph marks resolved."""
    synopsis, _, rest = text.partition("\n")
    long = "\n".join("" if line == "." else line for line in rest.split("\n"))
    return {"synopsis": synopsis, "text": long} if rest else {"synopsis": synopsis}


def value(field, text):
    """A field's text as the type that it means."""
    if field in INTEGERS and text.isdigit():
        return int(text)
    if field in RELATIONS or field.endswith("Built-Using"):
        return relation(text)
    if field in PEOPLE:
        return person(text)
    if field in WORDS:
        return [x.strip() for x in re.split(f"[{WORDS[field]}\n]", text) if x.strip()]
    if field in YES:
        return text == "yes"
    if field == "Description":
        return description(text)
    return text


def documents(records):
    """The documents, each with an `_id` of its own; a record that repeats an earlier one is left out."""
    seen, whole = set(), set()
    for record in records:
        name, arch, version = (record.get(k, "") for k in ("Package", "Architecture", "Version"))
        if not name or (name, arch, version) in whole:
            continue
        whole.add((name, arch, version))
        identity = next(x for x in (name, f"{name}:{arch}", f"{name}:{arch}={version}") if x not in seen)
        seen.add(identity)
        yield {"_id": identity} | {field: value(field, text) for field, text in record.items()}


def sampled(docs, count):
    """`count` documents spread evenly over all: those whose ids have the smallest hashes, in the given order."""
    docs = list(docs)
    chosen = {d["_id"] for d in sorted(docs, key=lambda d: hashlib.sha256(d["_id"].encode()).digest())[:count]}
    return [d for d in docs if d["_id"] in chosen]


def source(name):
    """The lines to read: a file, standard input, or what apt knows."""
    if name == "-":
        return sys.stdin
    if name:
        return open(name, encoding="utf-8", errors="replace")
    return subprocess.Popen(["apt-cache", "dumpavail"], stdout=subprocess.PIPE, encoding="utf-8",
                            errors="replace").stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", help="a Packages file, or - for standard input (default: apt's records)")
    parser.add_argument("--sample", type=int, metavar="N", help="only N records, always the same for the same input")
    args = parser.parse_args()
    docs = documents(paragraphs(source(args.file)))
    for doc in sampled(docs, args.sample) if args.sample else docs:
        sys.stdout.write(json.dumps(doc, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.stderr.close()
