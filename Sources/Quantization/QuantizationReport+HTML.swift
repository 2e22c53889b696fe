// SPDX-License-Identifier: Apache-2.0

import Glibc
import ResNetPlatform

extension QuantizationReport {
  /// The report as a page that needs nothing else.
  public func html() -> String {
    """
    <!DOCTYPE html>
    <html lang="en"><meta charset="utf-8"><title>\(escaped(plan))</title>
    <style>
    body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
    table { border-collapse: collapse; } td, th { padding: .1em .8em; text-align: left; }
    td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } .kept { font-weight: bold; }
    svg text { font: 12px system-ui, sans-serif; } .bar { fill: #4878a8; } .out { fill: #c8a0a0; }
    .range { stroke: #b03030; stroke-width: 1; } .note { color: #666; }
    </style>
    <h1>\(escaped(plan))</h1>
    <p>\(escaped(network)), int8, \(inputHeight)×\(inputWidth); \(fileBytes) bytes, arena \(arenaBytes) bytes.
    Calibrated with \(escaped(photos)); method \(escaped(method))\(biasCorrection ? ", bias correction" : "")\
    \(equalized ? ", equalized channels" : "").
    Photos: \(escaped(preprocessing.resizing)); \(escaped(preprocessing.normalization)) \
    (\(escaped(preprocessing.origin))).</p>
    \(accuracyTable)\(trialTable)
    <h2>Signal to quantization noise</h2>
    <p>Of each block's output, over \(heldOutPhotos) photos; 6 dB are one bit. Logits: \
    \(decibels(logitsDecibels)), cosine \(String(printf: "%.5f", logitsCosine)), same label for \
    \(percent(sameLabel)).</p>
    \(blockChart)\(codedTable)
    <h2>Activations</h2>
    <p>Counts on a logarithmic scale, from the smallest to the greatest value seen; the lines are the ends
    of the range, what is beyond is clipped.</p>
    \(tensors.map(histogramChart).joined(separator: "\n"))
    <h2>Weights</h2>
    <p>Each output channel has a scale of its own.</p>
    \(layerTable)
    <h2>Memory</h2>
    <p>The tensors in the arena: steps downwards, bytes from left to right.</p>
    \(arenaChart)
    </html>

    """
  }

  private var accuracyTable: String {
    guard let accuracy else { return "" }
    let rows = [("float32", accuracy.float32), ("int8", accuracy.int8)].map {
      "<tr><td>\($0)<td class=n>\(percent($1.top1))<td class=n>\(percent($1.top5))"
    }
    return """
      <h2>Accuracy</h2>
      <p>\(accuracy.photos) photos; the same label for \(percent(accuracy.sameLabel)), logits \
      \(decibels(accuracy.logitsDecibels)).</p>
      <table><tr><th><th class=n>top-1<th class=n>top-5\(rows.joined())</table>
      """
  }

  private var trialTable: String {
    guard !trials.isEmpty else { return "" }
    let rows = trials.map {
      """
      <tr\($0.method == method ? " class=kept" : "")><td>\(escaped($0.method))\
      <td class=n>\(decibels($0.logitsDecibels))<td class=n>\(percent($0.sameLabel))
      """
    }
    return """
      <h2>Methods</h2>
      <p>Tried on \(heldOutPhotos) photos that the ranges were not taken from.</p>
      <table><tr><th>method<th class=n>logits<th class=n>same label\(rows.joined())</table>
      """
  }

  private var codedTable: String {
    guard !coded.isEmpty else { return "" }
    let rows = coded.map {
      """
      <tr><td>\(escaped($0.name))<td>\(escaped($0.form))<td class=n>\(decibels($0.logitsDecibels))\
      <td class=n>\(percent($0.saving))
      """
    }
    return """
      <h2>Coded convolutions</h2>
      <p>Their inputs are rounded to 8 bits in the domain of a transform.</p>
      <table><tr><th>layer<th>form<th class=n>logits, if it alone is coded<th class=n>saves of its time\
      \(rows.joined())</table>
      """
  }

  private var blockChart: String {
    let greatest = max(blocks.compactMap(\.decibels).max() ?? 1, 1)
    let rows = blocks.enumerated().map { index, block in
      let y = index * 22
      let width = 500 * max(block.decibels ?? greatest, 0) / greatest
      return """
        <text x="0" y="\(y + 15)">\(escaped(block.name))</text>\
        <rect class="bar" x="120" y="\(y + 3)" width="\(number(width))" height="16"/>\
        <text x="\(number(126 + width))" y="\(y + 15)">\(decibels(block.decibels))</text>
        """
    }
    return "<svg width=720 height=\(blocks.count * 22)>\(rows.joined())</svg>"
  }

  private func histogramChart(_ tensor: Tensor) -> String {
    let greatest = log(Double(tensor.histogram.max() ?? 1) + 1)
    let span = Double(tensor.maximum) - Double(tensor.minimum)
    func x(_ value: Float) -> Double {
      span > 0 ? 480 * (Double(value) - Double(tensor.minimum)) / span : 0
    }
    let parts = tensor.histogram.count
    let bars = tensor.histogram.enumerated().filter { $1 > 0 }.map { index, count in
      let height = 48 * log(Double(count) + 1) / max(greatest, 1)
      let middle = (Double(index) + 0.5) / Double(parts) * 480
      let isOut = middle < x(tensor.low) || middle > x(tensor.high)
      return """
        <rect class="\(isOut ? "out" : "bar")" x="\(number(Double(index) * 480 / Double(parts)))" \
        y="\(number(50 - height))" width="\(number(480 / Double(parts)))" height="\(number(height))"/>
        """
    }
    let ends = [tensor.low, tensor.high].map { value in
      let place = number(min(max(x(value), 0), 480))
      return "<line class=range x1=\(place) x2=\(place) y1=0 y2=50 />"
    }
    return """
      <p>\(escaped(tensor.name)) <span class=note>\(tensor.minimum) … \(tensor.maximum), range \
      \(tensor.low) … \(tensor.high), step \(tensor.scale)</span><br>
      <svg width=482 height=51>\(bars.joined())\(ends.joined())</svg></p>
      """
  }

  private var layerTable: String {
    let rows = layers.map {
      """
      <tr><td>\(escaped($0.name))<td>\($0.format)<td class=n>\($0.weights)<td class=n>\($0.minimum)<td class=n>\
      \($0.maximum)<td class=n>\($0.leastChannel)<td class=n>\($0.greatestChannel)
      """
    }
    return """
      <table><tr><th>layer<th>format<th class=n>weights<th class=n>smallest<th class=n>greatest\
      <th class=n>least channel<th class=n>greatest channel\(rows.joined())</table>
      """
  }

  private var arenaChart: String {
    let steps = (arena.map(\.lastStep).max() ?? 0) + 1
    let colours = ["#4878a8", "#8aa860", "#b08050", "#8070a8", "#50a0a0", "#a86080"]
    let boxes = arena.enumerated().map { index, place in
      let scale = 700 / Double(max(arenaBytes, 1))
      return """
        <rect x="\(number(Double(place.offset) * scale))" y="\(place.firstStep * 14)" \
        width="\(number(Double(place.bytes) * scale))" \
        height="\((place.lastStep - place.firstStep + 1) * 14 - 1)" \
        fill="\(colours[index % colours.count])"><title>\(escaped(place.name)), \
        \(place.bytes) bytes at \(place.offset)</title></rect>
        """
    }
    return "<svg width=700 height=\(steps * 14)>\(boxes.joined())</svg>"
  }

  private func decibels(_ value: Double?) -> String {
    value.map { String(printf: "%.1f dB", $0) } ?? "no noise"
  }

  private func percent(_ part: Double) -> String { String(printf: "%.1f %%", 100 * part) }

  private func number(_ value: Double) -> String { String(printf: "%.2f", value) }

  private func escaped(_ text: String) -> String { String(text, as: .xml) }
}
