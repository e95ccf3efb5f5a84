/// The part of the daemon's interface that asks something of it, and what it may answer instead.
enum CommandInterface {
  static let text = """

    # Commands. Only root and the user the daemon runs as may give them; anybody else gets NotPermitted. Each is answered
    # when the pipeline has done it, within 8 s, or with NotAnswered; other calls on the connection wait for that.

    # Says what a decision's window was: `label` is a class of the model. It is kept in the ledger. Taken for the last 1,024
    # decisions.
    method Label(decision: int, label: string) -> ()

    # Closes all sensors; windows go unanswered until Resume. Answered when all devices are closed. A replay stands still.
    method Pause() -> ()
    method Resume() -> ()

    # Another program needs a sensor's device: it is closed, and answered when it is; the other sensors go on. It is the
    # client's until Release, once for each Acquire, or until its connection is closed.
    method Acquire(sensor: string) -> ()
    method Release(sensor: string) -> ()

    # Answers a window that ends now, though none is due; with `full` every sensor that can be had is woken and fused. Its
    # decision is one as any other; absent only where it was lost on its way here.
    method Ask(full: ?bool) -> (number: int, decision: ?Decision)

    # Reads the configuration and its model again and goes over to them between two windows, wholly or not at all: where
    # anything is wrong with them, the daemon goes on by what it has. Answered within 60 s. One Reload or SetPreference at a time.
    method Reload() -> (generation: int)

    # What a right answer is worth, in joules: from the next window on, until Reload, which takes what the file says.
    method SetPreference(lambda: float) -> (generation: int)

    # This user may read, and give no commands.
    error NotPermitted (method: string, uid: int)

    # The model has no such class.
    error UnknownClass (label: string)

    # The model has no such modality.
    error UnknownSensor (sensor: string)

    # This connection does not have the sensor.
    error NotAcquired (sensor: string)

    # No decision has that number yet; `newest` has the last one, 0 for none.
    error NoSuchDecision (newest: int)

    # Labels are taken from decision `oldest` on.
    error DecisionTooOld (oldest: int)

    # A Reload or SetPreference is under way; try again when it is through.
    error Reloading ()

    # What is wrong with the configuration or its model, where, and what to do. Nothing has changed.
    error ReloadRefused (reason: string)

    # These settings are of what a daemon holds open from its start to its end. Nothing has changed.
    error NeedsRestart (settings: []string, reason: string)

    # Joules. Nothing has changed.
    error PreferenceOutOfRange (minimum: float, maximum: float)

    # No window is answered: Resume first.
    error Paused ()

    # The ledger's writer does not keep up, and nothing was done; try again later.
    error NotRecorded ()

    # So many commands wait already; try again later.
    error Busy (limit: int)

    # No answer in that time: a driver hangs, or a window takes long. It may be done yet; a sensor is not acquired.
    error NotAnswered (limit_ms: int)

    """
}
