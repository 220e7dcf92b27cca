// Adds up the files and bytes of a tree while it is being built from, so that a progress bar knows its end. Lists and asks for
// attributes only. An estimate: what cannot be read is skipped, and the tree may change. Runs on a thread of its own.
namespace Tupelo.Images;

/// <summary>Totals of a tree, growing until complete.</summary>
public sealed class TreeMeasure
{
    private long _bytes;
    private int _isComplete;

    /// <summary>File bytes found so far; holes do not count.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>True when the whole tree has been seen.</summary>
    public bool IsComplete => Volatile.Read(ref _isComplete) != 0;

    /// <summary>Starts measuring.</summary>
    public static TreeMeasure Start(string directory, ExcludePatterns excludes, CancellationToken cancellation)
    {
        TreeMeasure measure = new();
        new Thread(() => measure.Run(directory, excludes, cancellation)) { IsBackground = true, Name = "tree measure" }.Start();
        return measure;
    }

    private void Run(string path, ExcludePatterns excludes, CancellationToken cancellation)
    {
        Stack<(HostDirectory Directory, int Next, int PathBytes)> open = new();
        PathBuffer at = new();
        try
        {
            open.Push((HostDirectory.Open(path), 0, 0));
            while (open.TryPop(out (HostDirectory Directory, int Next, int PathBytes) top) && !cancellation.IsCancellationRequested)
            {
                if (top.Next == top.Directory.Count)
                {
                    top.Directory.Dispose();
                    continue;
                }
                open.Push(top with { Next = top.Next + 1 });
                at.Truncate(top.PathBytes);
                at.Append(top.Directory.NameAt(top.Next));
                bool isDirectory = top.Directory.IsDirectory(top.Next);
                if (!excludes.IsEmpty && excludes.Match(at.Relative, isDirectory))
                {
                    continue;
                }
                if (isDirectory)
                {
                    open.Push((top.Directory.OpenDirectory(top.Next), 0, at.Length));
                }
                else
                {
                    Volatile.Write(ref _bytes, _bytes + top.Directory.DataBytesOf(top.Next));
                }
            }
            Volatile.Write(ref _isComplete, cancellation.IsCancellationRequested ? 0 : 1);
        }
        catch (ImageException)
        {
            // Whoever builds from the tree will say so.
        }
        finally
        {
            while (open.TryPop(out (HostDirectory Directory, int Next, int PathBytes) rest))
            {
                rest.Directory.Dispose();
            }
        }
    }
}
