#!/usr/bin/env python3
"""Writes the manual pages from what the commands say about themselves.

    generate.py SETTLE FOLDER           write settle.1, settle-serve.1, ... into FOLDER
    generate.py --check SETTLE FOLDER   write nothing; fail if a page there says something else
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys

ENVIRONMENT = {
    "SETTLE_DATA": "The directory of the databases that are given by name, where --data is not given.",
    "SETTLE_ADMIN": "The server's administrator, name:password, where --admin is not given.",
}


def escaped(text):
    """Text for troff: backslashes and dashes, and dots and quotes where they would begin a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def paragraphs(text):
    """Paragraphs parted by blank lines, a new line for each sentence."""
    return "\n.PP\n".join(re.sub(r"(?<=[.;:]) (?=[A-Z])", "\n", escaped(p)) for p in text.split("\n\n") if p)


def names(argument):
    """An option's names in bold, the short one first."""
    each = sorted(argument["names"], key=lambda n: n["kind"] == "long")
    return ", ".join("\\fB%s%s\\fR" % ("\\-\\-" if n["kind"] == "long" else "\\-", escaped(n["name"])) for n in each)


def value(argument):
    return " \\fI%s\\fR" % escaped(argument["valueName"]) if argument["kind"] == "option" else ""


def synopsis(argument):
    """An argument as it stands on a command line, optional ones in brackets."""
    if argument["kind"] == "positional":
        text = "\\fI%s\\fR" % escaped(argument["valueName"])
    else:
        text = names(argument).split(", ")[-1] + value(argument)
    text += " ..." if argument["isRepeating"] else ""
    return f"[{text}]" if argument["isOptional"] else text


def item(argument):
    """An argument's entry in the list of arguments."""
    text = argument.get("abstract", "")
    if argument.get("defaultValue"):
        text += f" The default is {argument['defaultValue']}."
    head = synopsis(argument) if argument["kind"] == "positional" else names(argument) + value(argument)
    return f".TP\n{head.strip('[]')}\n{paragraphs(text)}"


def page(command, version):
    """One command's name with dashes, and its page."""
    words = command.get("superCommands", []) + [command["commandName"]]
    name = "-".join(words)
    arguments = [a for a in command.get("arguments", []) if a["shouldDisplay"] and a["valueName"] not in ("help", "version")]
    subcommands = [c for c in command.get("subcommands", []) if c["commandName"] != "help" and c["shouldDisplay"]]
    out = [".\\\" Written by generate.py from the command's own words.",
           f'.TH {escaped(name.upper())} 1 "" "settle {version}" "Settle"',
           ".SH NAME", f"{escaped(name)} \\- {escaped(command['abstract'].rstrip('.'))}",
           ".SH SYNOPSIS", " ".join(["\\fB%s\\fR" % escaped(" ".join(words))] + [synopsis(a) for a in arguments]
                                    + (["\\fIcommand\\fR ..."] if subcommands else [])),
           ".SH DESCRIPTION", paragraphs(command.get("discussion") or command["abstract"])]
    if arguments:
        out += [".SH ARGUMENTS"] + [item(a) for a in arguments]
    if subcommands:
        out += [".SH COMMANDS"]
        out += [f".TP\n\\fB{escaped(name + '-' + c['commandName'])}\\fR(1)\n{escaped(c['abstract'])}" for c in subcommands]
    used = [n for n in ENVIRONMENT if n in json.dumps(command)]
    if used:
        out += [".SH ENVIRONMENT"] + [f".TP\n\\fB{n}\\fR\n{escaped(ENVIRONMENT[n])}" for n in used]
    if not subcommands:
        out += [".SH SEE ALSO", "\\fBsettle\\fR(1)"]
    return name, "\n".join(out) + "\n"


def pages(settle):
    """All pages, by file name."""
    told = subprocess.run([settle, "--experimental-dump-help"], capture_output=True, check=True, text=True).stdout
    version = subprocess.run([settle, "--version"], capture_output=True, check=True, text=True).stdout.strip()
    root = json.loads(told)["command"]
    return {f"{name}.1": text for name, text in (page(c, version) for c in family(root))}


def family(command):
    """A command with its subcommands, and theirs."""
    members = [command]
    for each in command.get("subcommands", []):
        if each["commandName"] != "help" and each["shouldDisplay"]:
            members += family(each)
    return members


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("settle")
    parser.add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()
    wanted = pages(args.settle)
    present = {p.name: p.read_text() for p in args.folder.glob("*.1")}
    if args.check:
        stale = sorted(n for n in wanted.keys() | present.keys() if wanted.get(n) != present.get(n))
        if stale:
            sys.exit(f"not what the commands say: {', '.join(stale)} (make man writes them anew)")
        return
    for name in present.keys() - wanted.keys():
        (args.folder / name).unlink()
    for name, text in wanted.items():
        (args.folder / name).write_text(text)


if __name__ == "__main__":
    main()
