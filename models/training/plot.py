"""Curves as SVG, by hand: a plotting library is a large thing for six lines.

    python plot.py WORK/runs/person     # curve.svg from log.jsonl
"""

import html
import json
import os
import sys

COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8d5fd3", "#b8860b", "#444444", "#d16ba5", "#009e9e")
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 420, 60, 30, 190, 50


def chart(path, title, series, x_label, y_label, y_range=None):
    """series: {name: [(x, y)]}; one line each, with dots, a legend on the right."""
    points = [p for line in series.values() for p in line]
    if not points:
        return
    x0, x1 = min(p[0] for p in points), max(p[0] for p in points)
    y0, y1 = y_range or (min(p[1] for p in points), max(p[1] for p in points))
    x1, y1 = x1 if x1 > x0 else x0 + 1, y1 if y1 > y0 else y0 + 1

    def at(x, y):
        return LEFT + (x - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - (y - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>']
    out.append(f'<text x="{LEFT}" y="18" font-size="14">{html.escape(title)}</text>')
    for k in range(6):
        y = y0 + (y1 - y0) * k / 5
        px, py = at(x0, y)
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{py:.1f}" y2="{py:.1f}" stroke="#ddd"/><text x="{LEFT - 8}" y="{py + 4:.1f}" text-anchor="end">{y:.2f}</text>')
        x = x0 + (x1 - x0) * k / 5
        px, py = at(x, y0)
        out.append(f'<text x="{px:.1f}" y="{py + 18:.1f}" text-anchor="middle">{x:.3g}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{html.escape(x_label)}</text>')
    out.append(f'<text x="14" y="{HEIGHT / 2}" transform="rotate(-90 14 {HEIGHT / 2})" text-anchor="middle">{html.escape(y_label)}</text>')
    for i, (name, line) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        path_points = " ".join(f"{px:.1f},{py:.1f}" for px, py in (at(*p) for p in sorted(line)))
        out.append(f'<polyline points="{path_points}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        out += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="2" fill="{colour}"/>' for px, py in (at(*p) for p in line)]
        out.append(f'<rect x="{WIDTH - RIGHT + 14}" y="{TOP + 18 * i}" width="10" height="10" fill="{colour}"/><text x="{WIDTH - RIGHT + 30}" y="{TOP + 9 + 18 * i}">{html.escape(name)}</text>')
    with open(path, "w") as f:
        f.write("\n".join(out) + "\n</svg>\n")


def curve(folder):
    """curve.svg of a training run: AP of the held-out sets and alarms over minutes."""
    series = {}
    with open(os.path.join(folder, "log.jsonl")) as f:
        for line in map(json.loads, f):
            for name, value in line.get("figures", {}).items():
                series.setdefault(name, []).append((line["minutes"], value))
    chart(os.path.join(folder, "curve.svg"), "held-out pictures: AP of head points, share of empty frames with an alarm", series, "minutes of training", "share", (0.0, 1.0))


if __name__ == "__main__":
    curve(sys.argv[1])
