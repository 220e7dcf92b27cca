// Finds the host's files that a manifest names. With a target root (a directory with the system that the image is made for) a path is
// looked up below it, and symbolic links in it mean what they would mean there: absolute ones start at the target root, ".." does not
// leave it. What is not there is taken from the host itself, as the reference tool does.
using System.Text;

namespace Tupelo.Images;

internal sealed class HostLookup(string? targetRoot)
{
    private const int MaxLinks = 40;

    /// <summary>Opens the regular file that <paramref name="path"/> names.</summary>
    public HostFile Open(ReadOnlySpan<byte> path)
    {
        string text = Encoding.UTF8.GetString(path);
        if (text.Length == 0 || text.Contains('\0'))
        {
            throw new ImageException("the path of a host file cannot be empty or contain NUL");
        }
        if (targetRoot is not null && Resolve(text) is { } inside)
        {
            return HostFile.Open(inside);
        }
        return HostFile.Open(text);
    }

    // The path below the target root with every symbolic link resolved there, or null when there is no such file.
    private string? Resolve(string path)
    {
        Stack<string> todo = new();
        Push(todo, path);
        List<string> done = [];
        int links = 0;
        while (todo.TryPop(out string? component))
        {
            if (component == "..")
            {
                if (done.Count > 0)
                {
                    done.RemoveAt(done.Count - 1);
                }
                continue;
            }
            done.Add(component);
            string here = Path.Join(targetRoot, string.Join('/', done));
            string? target = new FileInfo(here).LinkTarget;
            if (target is not null)
            {
                if (++links > MaxLinks)
                {
                    throw new ImageException($"{path}, below {targetRoot}", Errno.ELOOP);
                }
                done.RemoveAt(done.Count - 1);
                if (target.StartsWith('/'))
                {
                    done.Clear();
                }
                Push(todo, target);
            }
            else if (!Path.Exists(here))
            {
                return null;
            }
        }
        return Path.Join(targetRoot, string.Join('/', done));
    }

    private static void Push(Stack<string> todo, string path)
    {
        string[] components = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (int i = components.Length - 1; i >= 0; i--)
        {
            if (components[i] != ".")
            {
                todo.Push(components[i]);
            }
        }
    }
}
