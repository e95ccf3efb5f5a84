/// The part of the daemon's interface by which windows near a threshold are fetched, with their sound and pictures.
enum NearInterface {
  static let text = """

    # An exit that was asked.
    type NearExit (
      # "audio/1", "fusion".
      exit: string,
      # Of its probabilities, and what its threshold is held against: the same, or by its gain head (docs/model-format.md).
      entropy: float,
      doubt: float,
      # Absent where the exit is switched off.
      threshold: ?float
    )

    # One modality's data of a window.
    type NearData (
      modality: string,
      # Of sound: samples a second, one channel of 16 bits, little-endian.
      rate: ?int,
      # Of a picture: pixels, row by row, a byte a channel; 1 channel is grey, 3 are red, green and blue.
      width: ?int,
      height: ?int,
      channels: ?int,
      bytes: int
    )

    # Waits for the next window in which an exit's doubt was within 20 % of its threshold, and keeps it until the next call or the
    # connection's end. One client at a time. Only root and the user the daemon runs as may ask, and not where the
    # configuration forbids recordings. `label` is what the daemon took it for, which may be wrong.
    method NextNear() -> (
      number: int,
      end_ns: int,
      label: string,
      exits: []NearExit,
      data: []NearData
    )

    # At most 98,304 bytes of that window's data, from `offset` on, in base64.
    method ReadNear(modality: string, offset: int) -> (base64: string)

    # `recordings = no` in [daemon] of the configuration.
    error RecordingForbidden ()

    # Another connection has the windows near a threshold.
    error NearTaken ()

    # No window is kept for this connection, or it has no such data.
    error NoNear ()

    """
}
