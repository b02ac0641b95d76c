"use strict";
// Draws the charts in the page's own colours, again when those change.
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const SERVICE_COLOURS = ["#3778bf", "#d1495b", "#e3a008", "#7b61c4", "#2a9d8f", "#8a94a3"];
const chart_options = { displayModeBar: false, responsive: true };

function layout(more) {
  const grid = { gridcolor: colour("line"), zerolinecolor: colour("line"), linecolor: colour("line") };
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colour("ink"), family: "system-ui, sans-serif" },
    margin: { l: 56, r: 16, t: 16, b: 40 },
    xaxis: grid,
    yaxis: { ...grid, rangemode: "tozero" },
    legend: { orientation: "h" },
    ...more,
  };
}

function drawMap() {
  const { labels, ids, parents, values, share } = data.map;
  const trace = {
    type: "treemap", labels, ids, parents, values, branchvalues: "total",
    marker: { colors: share, line: { width: 1, color: colour("paper") }, colorscale: [[0, colour("manual")], [0.5, colour("assisted")], [1, colour("auto")]], cmin: 0, cmax: 1, colorbar: { title: { text: "auto" }, tickformat: ".0%", thickness: 12 } },
    hovertemplate: "%{id}<br>%{value} violations, %{color:.0%} auto<extra></extra>",
    maxdepth: 3, root: { color: colour("raised") },
  };
  Plotly.react("map", [trace], layout({ margin: { l: 0, r: 0, t: 24, b: 0 } }), chart_options);
}

function drawBurndown() {
  const { dates, services, trend } = data.history;
  const traces = Object.entries(services).map(([name, y], index) => ({
    x: dates, y, name, stackgroup: "one", mode: "lines", line: { width: 1, color: SERVICE_COLOURS[index % SERVICE_COLOURS.length] },
  }));
  if (trend) traces.push({ x: trend.dates, y: trend.values, name: "trend", mode: "lines", line: { dash: "dash", color: colour("ink") } });
  Plotly.react("burndown", traces, layout({}), chart_options);
}

function drawAll() {
  if (data.map.labels.length) drawMap();
  if (data.history) drawBurndown();
}

drawAll();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
matchMedia("print").addEventListener("change", drawAll);
