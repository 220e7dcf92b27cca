// Change tokens out of one watch of the tree. The watch begins with the first token, so that who never asks pays nothing.
using System.Text.RegularExpressions;
using Microsoft.Extensions.Primitives;

namespace Tupelo.Extensions.FileProviders;

/// <summary>Hands out tokens and fires them. Any thread.</summary>
internal sealed class ChangeTokenSource(MountedTree tree, string root) : IDisposable
{
    private readonly Lock _mu = new(); // Guards _waiting and _watch. Tokens are fired without it.
    private readonly Dictionary<string, Waiting> _waiting = new(StringComparer.Ordinal);
    private FileWatch? _watch;
    private bool _disposed;

    public IChangeToken TokenFor(string filter)
    {
        lock (_mu)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_waiting.TryGetValue(filter, out Waiting? waiting))
            {
                waiting = new Waiting(Pattern(filter));
                _waiting.Add(filter, waiting);
            }
            if (_watch is null)
            {
                _watch = tree.Watch(root.Length == 0 ? "/" : root, recursive: true);
                _ = Task.Run(() => Listen(_watch));
            }
            return new CancellationChangeToken(waiting.Source.Token);
        }
    }

    public void Dispose()
    {
        FileWatch? watch;
        lock (_mu)
        {
            _disposed = true;
            watch = _watch;
        }
        watch?.Dispose();
    }

    private async Task Listen(FileWatch watch)
    {
        await foreach (FileChange change in watch.ConfigureAwait(false))
        {
            Fire(change);
        }
    }

    private void Fire(FileChange change)
    {
        List<Waiting>? fired = null;
        lock (_mu)
        {
            foreach ((string filter, Waiting waiting) in _waiting)
            {
                if (change.Kind == FileChangeKind.Overflow || waiting.Matches(Relative(change.Path)) || (change.OldPath is { } old && waiting.Matches(Relative(old))))
                {
                    (fired ??= []).Add(waiting);
                    _ = _waiting.Remove(filter);
                }
            }
        }
        foreach (Waiting waiting in fired ?? [])
        {
            waiting.Source.Cancel();
            waiting.Source.Dispose();
        }
    }

    private string Relative(string path) => path[root.Length..].TrimStart('/');

    // Within a name '*' is anything but '/'; "**/" is any number of directories.
    private static Regex Pattern(string filter)
    {
        string pattern = Regex.Escape(filter.TrimStart('/'))
            .Replace("\\*\\*/", "(.*/)?", StringComparison.Ordinal)
            .Replace("\\*\\*", ".*", StringComparison.Ordinal)
            .Replace("\\*", "[^/]*", StringComparison.Ordinal)
            .Replace("\\?", "[^/]", StringComparison.Ordinal);
        return new Regex($"^{pattern}$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
    }

    private sealed class Waiting(Regex pattern)
    {
        public CancellationTokenSource Source { get; } = new();

        public bool Matches(string path) => pattern.IsMatch(path);
    }
}
