// Ctrl-C, termination and hangup while something is at work that must be tidied up: the first one asks it to stop, a second one ends the
// process at once. Without this, an interruption simply ends the process, which is right for all that only prints.
using System.Runtime.InteropServices;

namespace Tupelo.Cli;

internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly List<PosixSignalRegistration> _signals = [];
    private int _signal;

    public Interruption(CommandContext context)
    {
        _source = CancellationTokenSource.CreateLinkedTokenSource(context.Terminal.Interrupted);
        if (!context.Terminal.OwnsProcess)
        {
            return;
        }
        foreach ((PosixSignal signal, int number) in (ReadOnlySpan<(PosixSignal, int)>)[(PosixSignal.SIGINT, 2), (PosixSignal.SIGTERM, 15), (PosixSignal.SIGHUP, 1)])
        {
            _signals.Add(PosixSignalRegistration.Create(signal, handling =>
            {
                handling.Cancel = Interlocked.CompareExchange(ref _signal, number, 0) == 0;
                _source.Cancel();
            }));
        }
    }

    /// <summary>Cancelled by the first interruption.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>What a shell shows of a program that the signal has ended; 130 when none came to the process.</summary>
    public int ExitCode => Volatile.Read(ref _signal) is var signal and not 0 ? 128 + signal : Cli.ExitCode.Interrupted;

    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals)
        {
            signal.Dispose();
        }
        _source.Dispose();
    }
}
