//===- LearningCurve.cpp - loss and accuracy over a training, as a picture ---------===//

#include "compiler/Driver/LearningCurve.h"

#include "compiler/Driver/Report.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>

using namespace llvm;
using namespace bnc;

namespace {
constexpr double kWidth = 800, kPanelHeight = 280, kLeft = 70, kRight = 20, kTop = 50, kBottom = 40;
constexpr size_t kMostPoints = 800; // a curve has no more points than the picture has columns

struct Curve {
  std::string label, color;
  std::vector<CurvePoint> points;
  bool thin = false;
};

/// A round step that divides `range` into four to ten parts: 1, 2 or 5 times a power of ten.
double tickStep(double range) {
  double step = std::pow(10, std::floor(std::log10(range)) - 1);
  for (double factor : {1.0, 2.0, 5.0, 10.0})
    if (range / (step * factor) <= 10)
      return step * factor;
  return step * 20;
}

/// Means of neighbours, so that at most kMostPoints are left.
std::vector<CurvePoint> thinned(const std::vector<CurvePoint> &points, size_t most) {
  size_t stride = (points.size() + most - 1) / std::max<size_t>(most, 1);
  if (stride <= 1)
    return points;
  std::vector<CurvePoint> result;
  for (size_t first = 0; first < points.size(); first += stride) {
    size_t last = std::min(points.size(), first + stride);
    CurvePoint sum{0, 0};
    for (size_t i = first; i < last; ++i) {
      sum.step += points[i].step;
      sum.value += points[i].value;
    }
    result.push_back({sum.step / (last - first), sum.value / (last - first)});
  }
  return result;
}

std::string escaped(StringRef text) {
  std::string result;
  for (char c : text)
    result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return result;
}

/// A coordinate; raw_ostream itself would write 8.000000e+02.
std::string number(double value) { return formatNumber(value, 5); }

/// One coordinate system with its curves.
void drawPanel(raw_ostream &os, double top, StringRef title, ArrayRef<Curve> curves, double lastStep, bool percent) {
  double low = 0, high = 0;
  bool first = true;
  for (const Curve &curve : curves)
    for (const CurvePoint &point : curve.points) {
      low = first ? point.value : std::min(low, point.value);
      high = first ? point.value : std::max(high, point.value);
      first = false;
    }
  if (percent)
    high = 1;
  else
    low = std::min(low, 0.0);
  if (high - low < 1e-12)
    high = low + 1;
  double step = tickStep(high - low);
  low = std::floor(low / step) * step;
  high = std::ceil(high / step - 1e-9) * step;

  double right = kWidth - kRight, bottom = top + kPanelHeight - kBottom, inner = top + 24;
  auto x = [&](double at) { return kLeft + (right - kLeft) * (lastStep > 1 ? (at - 1) / (lastStep - 1) : 0.5); };
  auto y = [&](double value) { return bottom - (bottom - inner) * (value - low) / (high - low); };

  os << "<text x=\"" << number(kLeft) << "\" y=\"" << number(top + 14) << "\" font-weight=\"bold\">" << title
     << "</text>\n";
  for (int i = 0, count = static_cast<int>(std::lround((high - low) / step)); i <= count; ++i) {
    double value = low + i * step, at = y(value);
    os << "<line x1=\"" << number(kLeft) << "\" x2=\"" << number(right) << "\" y1=\"" << number(at) << "\" y2=\""
       << number(at) << "\" stroke=\"#ddd\"/><text x=\"" << number(kLeft - 6) << "\" y=\"" << number(at + 4)
       << "\" text-anchor=\"end\">"
       << formatNumber(percent                       ? value * 100
                       : std::fabs(value) < step / 2 ? 0
                                                     : value,
                       4)
       << (percent ? " %" : "") << "</text>\n";
  }
  double ticks = std::max(1.0, tickStep(std::max(lastStep - 1, 1.0)));
  for (double at = ticks; at <= lastStep; at += ticks)
    os << "<text x=\"" << number(x(at)) << "\" y=\"" << number(bottom + 16) << "\" text-anchor=\"middle\">"
       << formatNumber(at) << "</text>\n";
  os << "<text x=\"" << number(right) << "\" y=\"" << number(bottom + 32) << "\" text-anchor=\"end\">step</text>\n";

  double legend = right;
  for (const Curve &curve : reverse(curves)) {
    os << "<polyline fill=\"none\" stroke=\"" << curve.color << "\" stroke-width=\"" << (curve.thin ? 1 : 2)
       << "\" points=\"";
    for (const CurvePoint &point : curve.points)
      os << number(x(point.step)) << "," << number(y(point.value)) << " ";
    os << "\"/>\n";
    if (curve.points.size() == 1)
      os << "<circle r=\"3\" fill=\"" << curve.color << "\" cx=\"" << number(x(curve.points[0].step)) << "\" cy=\""
         << number(y(curve.points[0].value)) << "\"/>\n";
    os << "<text x=\"" << number(legend) << "\" y=\"" << number(top + 14) << "\" text-anchor=\"end\" fill=\""
       << curve.color << "\">" << curve.label << "</text>\n";
    legend -= 7.0 * curve.label.size() + 24;
  }
}
} // namespace

std::string bnc::drawLearningCurve(const TrainingHistory &history, StringRef title) {
  auto add = [](std::vector<Curve> &curves, StringRef label, StringRef color, const std::vector<CurvePoint> &points,
                bool thin = false) {
    std::vector<CurvePoint> finite;
    copy_if(points, std::back_inserter(finite), [](const CurvePoint &point) { return std::isfinite(point.value); });
    if (!finite.empty())
      curves.push_back({label.str(), color.str(), std::move(finite), thin});
  };
  std::vector<Curve> losses, accuracies;
  add(losses, "training, single steps", "#9ecae1", thinned(history.stepLoss, kMostPoints), /*thin=*/true);
  if (history.stepLoss.size() > 40)
    add(losses, "training, mean", "#2171b5", thinned(history.stepLoss, 40));
  add(losses, "test", "#d94801", history.testLoss);
  add(accuracies, "training", "#2171b5", history.trainAccuracy);
  add(accuracies, "test", "#d94801", history.testAccuracy);

  double lastStep = history.stepLoss.empty() ? 1 : history.stepLoss.back().step;
  double height = kTop + kPanelHeight * (accuracies.empty() ? 1 : 2);
  std::string text;
  raw_string_ostream os(text);
  os << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << number(kWidth) << " " << number(height)
     << "\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
     << "<text x=\"" << number(kWidth / 2) << "\" y=\"26\" text-anchor=\"middle\" font-size=\"16\">" << escaped(title)
     << "</text>\n";
  drawPanel(os, kTop, "loss", losses, lastStep, /*percent=*/false);
  if (!accuracies.empty())
    drawPanel(os, kTop + kPanelHeight, "accuracy", accuracies, lastStep, /*percent=*/true);
  os << "</svg>\n";
  return text;
}
