import CKernels

/// A random sliding window and the plain way to walk it.
struct SlidingWindow: CustomStringConvertible {
  var inHeight, inWidth, inChannels: Int
  var outChannels: Int
  var kernelHeight, kernelWidth: Int
  var strideY, strideX: Int
  var padTop, padLeft, padBottom, padRight: Int

  var outHeight: Int { (inHeight + padTop + padBottom - kernelHeight) / strideY + 1 }
  var outWidth: Int { (inWidth + padLeft + padRight - kernelWidth) / strideX + 1 }
  var inCount: Int { inHeight * inWidth * inChannels }
  var outCount: Int { outHeight * outWidth * outChannels }

  var description: String {
    "\(inHeight)x\(inWidth)x\(inChannels)->\(outChannels) kernel \(kernelHeight)x\(kernelWidth) "
      + "stride \(strideY),\(strideX) pad \(padTop),\(padLeft),\(padBottom),\(padRight)"
  }

  /// Extents up to `extent`; now and then so much padding that whole windows lie in it.
  static func random(
    _ dice: inout Dice, channels: Int, outChannels: Int? = nil, extent: Int = 9
  ) -> SlidingWindow {
    while true {
      let w = SlidingWindow(
        inHeight: dice.int(1...extent), inWidth: dice.int(1...extent), inChannels: channels,
        outChannels: outChannels ?? channels,
        kernelHeight: dice.int(1...5), kernelWidth: dice.int(1...5),
        strideY: dice.int(1...3), strideX: dice.int(1...3),
        padTop: dice.int(0...3), padLeft: dice.int(0...3), padBottom: dice.int(0...3),
        padRight: dice.int(0...3))
      if w.inHeight + w.padTop + w.padBottom >= w.kernelHeight,
        w.inWidth + w.padLeft + w.padRight >= w.kernelWidth
      {
        return w
      }
    }
  }

  var c: mmx_window {
    mmx_window(
      in_height: Int32(inHeight), in_width: Int32(inWidth), in_channels: Int32(inChannels),
      out_height: Int32(outHeight), out_width: Int32(outWidth), out_channels: Int32(outChannels),
      kernel_height: Int32(kernelHeight), kernel_width: Int32(kernelWidth), stride_y: Int32(strideY),
      stride_x: Int32(strideX), pad_top: Int32(padTop), pad_left: Int32(padLeft))
  }

  /// Index into the kernel (row, column) and into the image of every tap inside the image, for one output cell.
  func taps(_ oy: Int, _ ox: Int) -> [(ky: Int, kx: Int, cell: Int)] {
    var result: [(ky: Int, kx: Int, cell: Int)] = []
    for ky in 0..<kernelHeight {
      for kx in 0..<kernelWidth {
        let y = oy * strideY - padTop + ky
        let x = ox * strideX - padLeft + kx
        if (0..<inHeight).contains(y), (0..<inWidth).contains(x) {
          result.append((ky, kx, (y * inWidth + x) * inChannels))
        }
      }
    }
    return result
  }

  /// Output in NHWC order from a function of an output cell's taps and the output channel.
  func map(_ value: (_ taps: [(ky: Int, kx: Int, cell: Int)], _ channel: Int) -> Int8) -> [Int8] {
    var result: [Int8] = []
    for oy in 0..<outHeight {
      for ox in 0..<outWidth {
        let here = taps(oy, ox)
        for channel in 0..<outChannels { result.append(value(here, channel)) }
      }
    }
    return result
  }
}

/// Quantization of a random layer. The clamp is the full range, a ReLU, or any interval.
struct Output {
  var multiplier: [Float]
  var inZero, outZero, low, high: Int32

  init(_ dice: inout Dice, channels: Int) {
    multiplier = dice.multipliers(channels)
    inZero = dice.zeroPoint()
    outZero = dice.zeroPoint()
    switch dice.int(0...2) {
    case 0: (low, high) = (-128, 127)
    case 1: (low, high) = (outZero, 127)
    default:
      low = Int32(dice.int(-128...127))
      high = Int32(dice.int(Int(low)...127))
    }
  }

  func with<R>(_ body: (UnsafePointer<mmx_requantize>) -> R) -> R {
    multiplier.withUnsafeBufferPointer { m in
      var q = mmx_requantize(
        multiplier: m.baseAddress, in_zero_point: inZero, out_zero_point: outZero, clamp_min: low,
        clamp_max: high)
      return body(&q)
    }
  }

  func finish(_ sum: Int, channel: Int) -> Int8 {
    requantized(Float(sum) * multiplier[channel], zero: outZero, low: low, high: high)
  }
}
