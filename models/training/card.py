"""Writes the measured tables of ../person/MODEL_CARD.md between their markers, from figures.json beside it.

    python evaluate.py --json ../person/figures.json    # measure
    python card.py                                      # write; --check only compares, exits 1 when they differ

So no number of the card is typed by hand, and none outlives the model that it belongs to.
"""

import argparse
import json
import os
import sys

PERSON = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "person")
SETS = {
    "test-overhead": "rendered, 0 to 20 degrees, 1 to 8 people",
    "test-tilted": "rendered, 20 to 75 degrees, 1 to 15 people",
    "test-empty": "rendered, nobody: shops with mannequins, posters, mirrors",
    "scene-camera": "the scene camera, entrances of other seeds",
    "cafe_high_view": "cafe_high_view, other angles and times of the same cafe",
    "cctv_person_gray": "cctv_person_gray, other recordings",
    "coco128": "coco128, one picture in six (eye level)",
    "office_wall_cam": "office_wall_cam, a room no net was trained on",
    "neg_indoor_scenes": "neg_indoor_scenes, rooms and shops without people",
    "neg_inria_mosaic": "neg_inria_mosaic, patches without people",
}


def row(*cells):
    return "| " + " | ".join(str(c) for c in cells) + " |"


def table(head, rows):
    return "\n".join([row(*head), "|" + "---|" * len(head), *rows])


def share(value):
    return f"{value:.2f}"


def triple(figures):
    return f"{figures['precision']:.2f} / {figures['recall']:.2f} / **{figures['f1']:.2f}**"


def precision_table(sets):
    rows = []
    for name, f in sets.items():
        if f["people"]:
            aps = [f"{f[key]:.3f}" if key in f else "-" for key in ("ap_float", "ap_rounded", "ap_int8")]
            rows.append(row(SETS[name], f"{f['pictures']} / {f['people']}", *aps))
    return table(("held-out pictures", "pictures / people", "AP before rounding", "AP with it, in float", "AP of the file"), rows)


def operating_table(sets):
    rows = [
        row(SETS[name], triple(f["all"]), triple(f["clear"]) if "clear" in f else "", triple(f["occluded"]) if "occluded" in f else "")
        for name, f in sets.items()
        if f["people"]
    ]
    return table(("held-out pictures", "precision / recall / F1", "people fully seen", "people covered or cut"), rows)


def alarm_table(sets):
    rows = []
    for name, f in sets.items():
        if "alarms" in f:
            count = round(f["alarms"] * f["empty"])
            rows.append(row(SETS[name], f["empty"], count, f"{100 * f['alarms']:.1f} %"))
    return table(("pictures without people", "pictures", "with a false alarm", "that is"), rows)


def kind_table(kinds):
    rows = []
    for name, parts in kinds.items():
        cells = []
        for part in ("test-overhead", "test-tilted"):
            f = parts[part]
            cells.append(f"{share(f['recall'])} of {f['people']}" if f["people"] else "-")
        hidden = sum(f["hidden"] for f in parts.values())
        found = sum(f["hidden"] * f["hidden_found"] for f in parts.values())
        cells.append(f"{share(found / hidden)} of {hidden}" if hidden else "-")
        rows.append(row(name.replace("_", " "), *cells))
    return table(("rendered people", "recall from above", "recall tilted", "found though the head is hidden"), rows)


def insert(text, name, content):
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    start, stop = text.index(begin) + len(begin), text.index(end)
    return text[:start] + "\n" + content + "\n" + text[stop:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default=PERSON, help="folder of MODEL_CARD.md, figures.json and manifest.json")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    path = os.path.join(args.folder, "MODEL_CARD.md")
    with open(path) as f:
        text = f.read()
    with open(os.path.join(args.folder, "figures.json")) as f:
        figures = json.load(f)
    with open(os.path.join(args.folder, "manifest.json")) as f:
        manifest = json.load(f)
    if figures["sha256"] != manifest["sha256"]:
        raise SystemExit(f"figures.json was measured on {figures['sha256'][:12]}…, the manifest names {manifest['sha256'][:12]}…; run evaluate.py again")
    wanted = text
    for name, content in (
        ("precision", precision_table(figures["sets"])),
        ("operating", operating_table(figures["sets"])),
        ("alarms", alarm_table(figures["sets"])),
        ("kinds", kind_table(figures["kinds"])),
    ):
        wanted = insert(wanted, name, content)
    if args.check and wanted != text:
        raise SystemExit("MODEL_CARD.md is not what figures.json says; run: python card.py")
    if not args.check:
        with open(path, "w") as f:
            f.write(wanted)
    print(f"{path}: tables are those of figures.json", file=sys.stderr)


if __name__ == "__main__":
    main()
