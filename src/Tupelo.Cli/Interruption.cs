// Ctrl-C and termination while something is at work that must be tidied up: the first one asks it to stop, a second one ends the
// process at once. Without this, an interruption simply ends the process, which is right for all that only prints.
using System.Runtime.InteropServices;

namespace Tupelo.Cli;

internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly List<PosixSignalRegistration> _signals = [];

    public Interruption(CommandContext context)
    {
        _source = CancellationTokenSource.CreateLinkedTokenSource(context.Terminal.Interrupted);
        if (!context.Terminal.OwnsProcess)
        {
            return;
        }
        foreach (PosixSignal signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
        {
            _signals.Add(PosixSignalRegistration.Create(signal, handling =>
            {
                if (!_source.IsCancellationRequested)
                {
                    handling.Cancel = true;
                    _source.Cancel();
                }
            }));
        }
    }

    /// <summary>Cancelled by the first interruption.</summary>
    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals)
        {
            signal.Dispose();
        }
        _source.Dispose();
    }
}
