// SPDX-License-Identifier: Apache-2.0
(() => {
  const root = document.documentElement;
  const plots = JSON.parse(document.getElementById("plot-data").textContent);
  const remembered = (() => { try { return localStorage.getItem("plimsoll-theme"); } catch { return null; } })();
  const system = matchMedia("(prefers-color-scheme: dark)");
  root.dataset.theme = remembered ?? (system.matches ? "dark" : "light");

  const value = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  const colour = (text) => {
    const [name, alpha] = text.slice(1).split("/");
    const hex = value(name);
    return alpha ? hex + Math.round(alpha * 2.55).toString(16).padStart(2, "0") : hex;
  };
  const themed = (item) => {
    if (typeof item === "string") return /^@[a-z]+(\/\d+)?$/.test(item) ? colour(item) : item;
    if (Array.isArray(item)) return typeof item[0] === "number" && typeof item[1] !== "string" ? item : item.map(themed);
    if (item && typeof item === "object") return Object.fromEntries(Object.entries(item).map(([k, v]) => [k, themed(v)]));
    return item;
  };

  const axis = () => ({
    gridcolor: value("grid"), linecolor: value("line"), zerolinecolor: value("line"), zerolinewidth: 1,
    tickfont: { size: 11.5, color: value("faint") }, automargin: true,
  });
  const layout = (spec) => {
    const own = themed(spec.layout);
    const axes = {};
    for (const [key, entry] of Object.entries(own)) {
      if (/^[xy]axis\d*$/.test(key)) {
        const title = entry.title ? { ...entry.title, font: { size: 11.5, color: value("soft") }, standoff: 8 } : undefined;
        axes[key] = { ...axis(), ...entry, title };
      }
    }
    if (spec.time) Object.assign(axes.xaxis, {
      showgrid: false, hoverformat: "%d %b %H:%M:%S", showspikes: true, spikemode: "across", spikethickness: 1,
      spikedash: "solid", spikecolor: value("faint"), spikesnap: "cursor",
      tickformatstops: [
        { dtickrange: [null, 60000], value: "%H:%M:%S" }, { dtickrange: [60000, 86400000], value: "%H:%M\n%d %b" },
        { dtickrange: [86400000, null], value: "%d %b\n%Y" },
      ],
    });
    return {
      height: spec.height, margin: { l: 8, r: 10, t: 30, b: 8 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: value("soft") },
      hovermode: spec.time ? "x unified" : "closest", hoverdistance: 40, dragmode: "zoom", bargap: 0.32,
      hoverlabel: { bgcolor: value("card"), bordercolor: value("line"), font: { size: 12, color: value("ink") } },
      legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", xanchor: "left", font: { size: 12, color: value("soft") }, itemsizing: "constant" },
      ...own, ...axes,
    };
  };
  const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"], displayModeBar: false };
  const drawn = [];
  const draw = () => plots.forEach((spec) => {
    const place = document.getElementById(spec.id);
    const shown = layout(spec);
    // A change of theme keeps the zoom.
    if (spec.time && place.layout) shown.xaxis.range = place.layout.xaxis.range;
    Plotly.react(place, themed(spec.traces), shown, config);
  });
  draw();

  let following = false;
  plots.filter((spec) => spec.time).forEach((spec) => drawn.push(document.getElementById(spec.id)));
  drawn.forEach((place) => place.on("plotly_relayout", (change) => {
    const range = change["xaxis.range[0]"] !== undefined
      ? [change["xaxis.range[0]"], change["xaxis.range[1]"]] : change["xaxis.range"] ?? null;
    if (following || (!range && !change["xaxis.autorange"])) return;
    following = true;
    const update = range ? { "xaxis.range": range } : { "xaxis.autorange": true };
    Promise.all(drawn.filter((other) => other !== place).map((other) => Plotly.relayout(other, update))).finally(() => { following = false; });
  }));
  const turn = (theme) => { root.dataset.theme = theme; draw(); };
  document.querySelector("button.theme").addEventListener("click", () => {
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("plimsoll-theme", theme); } catch { /* private window */ }
    turn(theme);
  });
  if (!remembered) system.addEventListener("change", (event) => turn(event.matches ? "dark" : "light"));
})();
