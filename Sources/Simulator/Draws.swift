/// Counter-based random draws: the value for (seed, stream, number, purpose) is a hash of these four, so it does not
/// depend on what was drawn before. Two policies thus meet the very same callers (common random numbers), and a
/// replication gives the same bytes on any core (Salmon et al. 2011; the mixing function is SplitMix64's).
struct Draws: Sendable, BitwiseCopyable {
  /// What a draw is for; each purpose is its own stream.
  enum Purpose: UInt64, Sendable {
    case interarrival, channel, needs, patience, handle, redial, redialDelay, answer, miss, busyness, swing
  }

  private let key: UInt64
  /// By reference, since asking each time whether the table is there would cost a fifth of a draw.
  private let logarithm = Elementary.Logarithm.shared

  /// - Parameters:
  ///   - seed: the scenario's.
  ///   - replication: the number of the run.
  ///   - stream: the index of the caller type or of the agent.
  init(seed: UInt64, replication: UInt64, stream: UInt64) {
    key = Self.mix(Self.mix(Self.mix(seed) &+ replication &* 0xd1b5_4a32_d192_ed03) &+ stream &* 0x8cb9_2ba7_2f3d_8dd7)
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    var x = value &+ 0x9e37_79b9_7f4a_7c15
    x = (x ^ x >> 30) &* 0xbf58_476d_1ce4_e5b9
    x = (x ^ x >> 27) &* 0x94d0_49bb_1331_11eb
    return x ^ x >> 31
  }

  /// 64 uniform bits. `trial` tells the draws of one purpose apart where a method needs several.
  @inline(__always)
  func bits(_ number: UInt64, _ purpose: Purpose, trial: UInt64 = 0) -> UInt64 {
    Self.mix(key ^ number &* 0xa076_1d64_78bd_642f ^ (purpose.rawValue << 56 | trial &* 0xe703_7ed1_a0b4_28db))
  }

  /// Uniform in the open interval (0, 1).
  @inline(__always)
  func uniform(_ number: UInt64, _ purpose: Purpose, trial: UInt64 = 0) -> Double {
    (Double(bits(number, purpose, trial: trial) >> 12) + 0.5) * 0x1p-52
  }

  /// Exponential of mean 1.
  @inline(__always)
  func exponential(_ number: UInt64, _ purpose: Purpose) -> Double { -logarithm.of(uniform(number, purpose)) }
}

/// Elementary functions of our own, made of IEEE operations only, so that every machine draws the same numbers.
enum Elementary {
  static func log(_ x: Double) -> Double { Logarithm.shared.of(x) }

  /// Natural logarithm of a positive normal number; relative error below 1e-15. Without a division and without a branch,
  /// because a world spends a good part of its time here.
  struct Logarithm: @unchecked Sendable, BitwiseCopyable {
    // Unchecked because of the pointer, to what nobody writes.
    private let parts: UnsafePointer<Part>

    @inline(__always)
    func of(_ x: Double) -> Double {
      // x = m · 2^exponent with m in [0.7071, 1.4142), and m = centre · (1 + r) with |r| < 0.008.
      let bits = x.bitPattern &- leastMantissa
      let exponent = Double(Int64(bitPattern: bits) >> 52)
      let m = Double(bitPattern: x.bitPattern &- bits & 0xfff0_0000_0000_0000)
      let part = parts[Int(truncatingIfNeeded: bits >> 45 & 127)]
      let r = (m - part.centre) * part.inverse
      let r2 = r * r
      let series = (r * (1.0 / 3) - 0.5) + r2 * ((r * (1.0 / 5) - 0.25) + r2 * ((r * (1.0 / 7) - 1.0 / 6) - r2 * 0.125))
      return exponent * 0.693_147_180_559_945_3 + (part.log + (r + r2 * series))
    }

    /// 128 intervals of equally many numbers. The two beside 1 take 1 for their centre, so that the logarithm is as
    /// exact where it is nearly 0.
    static let shared: Logarithm = {
      let parts = UnsafeMutablePointer<Part>.allocate(capacity: 128)
      for index in 0..<128 {
        let centre = Double(bitPattern: leastMantissa + UInt64(index) << 45 + 1 << 44)
        let isBesideOne = abs(centre - 1) < 0.006
        parts[index] = isBesideOne ? Part() : Part(centre: centre, inverse: 1 / centre, log: logOfMantissa(centre))
      }
      return Logarithm(parts: UnsafePointer(parts))
    }()
  }

  /// The square root of a half.
  private static let leastMantissa: UInt64 = 0x3fe6_a09e_667f_3bcd

  /// An interval of mantissas: a number inside it, its reciprocal, and its logarithm.
  private struct Part {
    var centre = 1.0
    var inverse = 1.0
    var log = 0.0
    /// For an even stride.
    var unused = 0.0
  }

  /// By the series of 2 atanh s with s = (m-1)/(m+1), |s| < 0.1716.
  private static func logOfMantissa(_ m: Double) -> Double {
    let s = (m - 1) / (m + 1)
    let z = s * s
    var series = 0.0
    for term in stride(from: 25.0, through: 3, by: -2) { series = series * z + 1 / term }
    return 2 * s + 2 * s * z * series
  }

  /// e to the power x; relative error below 1e-15 for |x| < 700.
  static func exp(_ x: Double) -> Double {
    if x < -700 { return 0 }
    let k = (x * 1.442_695_040_888_963_4).rounded(.toNearestOrEven)
    // Cody and Waite's two-part log 2 keeps the reduced argument exact; |r| < 0.3466.
    let r = (x - k * 0.693_147_180_369_123_8) - k * 1.908_214_929_270_587_7e-10
    var series = 1.0 / 6_227_020_800
    series = series * r + 1.0 / 479_001_600
    series = series * r + 1.0 / 39_916_800
    series = series * r + 1.0 / 3_628_800
    series = series * r + 1.0 / 362_880
    series = series * r + 1.0 / 40_320
    series = series * r + 1.0 / 5_040
    series = series * r + 1.0 / 720
    series = series * r + 1.0 / 120
    series = series * r + 1.0 / 24
    series = series * r + 1.0 / 6
    series = series * r + 0.5
    series = 1 + (r + r * r * series)
    return Double(bitPattern: UInt64(bitPattern: Int64(min(k, 1_023)) + 1_023) << 52) * series
  }

  /// The standard normal quantile; Wichura's algorithm AS 241 (1988), relative error about 1e-16.
  static func normalQuantile(_ p: Double) -> Double {
    let q = p - 0.5
    if q.magnitude <= 0.425 {
      let r = 0.180625 - q * q
      return q * ratio(r, Self.centreNumerator, Self.centreDenominator)
    }
    var r = (-log(q < 0 ? p : 1 - p)).squareRoot()
    let value: Double
    if r <= 5 {
      r -= 1.6
      value = ratio(r, Self.middleNumerator, Self.middleDenominator)
    } else {
      r -= 5
      value = ratio(r, Self.tailNumerator, Self.tailDenominator)
    }
    return q < 0 ? -value : value
  }

  private static func ratio(_ r: Double, _ numerator: SIMD8<Double>, _ denominator: SIMD8<Double>) -> Double {
    var top = 0.0
    var bottom = 0.0
    var place = 7
    while place >= 0 {
      top = top * r + numerator[place]
      bottom = bottom * r + denominator[place]
      place -= 1
    }
    return top / bottom
  }

  private static let centreNumerator = SIMD8(
    3.387_132_872_796_366_608, 133.141_667_891_784_377_45, 1_971.590_950_306_551_442_7, 13_731.693_765_509_461_125,
    45_921.953_931_549_871_457, 67_265.770_927_008_700_853, 33_430.575_583_588_128_105, 2_509.080_928_730_122_672_7)
  private static let centreDenominator = SIMD8(
    1.0, 42.313_330_701_600_911_252, 687.187_007_492_057_908_3, 5_394.196_021_424_751_107_7,
    21_213.794_301_586_595_867, 39_307.895_800_092_710_61, 28_729.085_735_721_942_674, 5_226.495_278_852_854_561)
  private static let middleNumerator = SIMD8(
    1.423_437_110_749_683_577_34, 4.630_337_846_156_545_295_9, 5.769_497_221_460_691_405_5,
    3.647_848_324_763_204_605_04, 1.270_458_252_452_368_382_58, 0.241_780_725_177_450_611_77,
    0.022_723_844_989_269_184_7, 7.745_450_142_783_414_076_4e-4)
  private static let middleDenominator = SIMD8(
    1.0, 2.053_191_626_637_758_821_87, 1.676_384_830_183_803_849_4, 0.689_767_334_985_100_004_55,
    0.148_103_976_427_480_074_59, 0.015_198_666_563_616_457_2, 5.475_938_084_995_344_946e-4,
    1.050_750_071_644_416_843_24e-9)
  private static let tailNumerator = SIMD8(
    6.657_904_643_501_103_777_2, 5.463_784_911_164_114_369_9, 1.784_826_539_917_291_335_8,
    0.296_560_571_828_504_891_23, 0.026_532_189_526_576_123_093, 0.001_242_660_947_388_078_438_6,
    2.711_555_568_743_487_578_15e-5, 2.010_334_399_292_288_132_65e-7)
  private static let tailDenominator = SIMD8(
    1.0, 0.599_832_206_555_887_937_69, 0.136_929_880_922_735_805_31, 0.014_875_361_290_850_615_025,
    7.868_691_311_456_132_591e-4, 1.846_318_317_510_054_681_8e-5, 1.421_511_758_316_445_888_7e-7,
    2.044_263_103_389_939_785_64e-15)
}
