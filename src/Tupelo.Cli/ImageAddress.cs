// IMAGE or IMAGE:/path. A host file may have ':' in its name, so the longest part in front of a ':' that is an existing file is the
// image, the whole argument first of all. Where none exists, the first ':' is taken for the separator, for the error message.
namespace Tupelo.Cli;

/// <summary>An image on the host, and a path in it.</summary>
/// <param name="ImagePath">Path of the image file on the host.</param>
/// <param name="Path">Path inside, UTF-8 as given; empty when the argument names the image alone.</param>
internal sealed record ImageAddress(string ImagePath, ReadOnlyMemory<byte> Path)
{
    /// <summary>True when a path was given.</summary>
    public bool HasPath => Path.Length > 0;

    /// <summary>For messages.</summary>
    public string PathText => HasPath ? System.Text.Encoding.UTF8.GetString(Path.Span) : "/";

    /// <summary>For commands that look at a whole image.</summary>
    public void RefusePath()
    {
        if (HasPath && Path.Span.ContainsAnyExcept((byte)'/'))
        {
            throw new UsageException($"{PathText}: this command takes an image, not a path in it");
        }
    }

    /// <summary>Takes an argument apart.</summary>
    public static ImageAddress Parse(string argument, Terminal terminal)
    {
        if (argument.Length == 0)
        {
            throw new UsageException("the image's name is empty");
        }
        if (Exists(argument))
        {
            return new ImageAddress(argument, default);
        }
        for (int colon = argument.LastIndexOf(':'); colon > 0; colon = argument.LastIndexOf(':', colon - 1))
        {
            if (Exists(argument[..colon]))
            {
                return Split(argument, colon, terminal);
            }
        }
        int first = argument.IndexOf(':', OperatingSystem.IsWindows() && argument.Length > 2 && argument[1] == ':' ? 2 : 0);
        return first > 0 ? Split(argument, first, terminal) : new ImageAddress(argument, default);
    }

    private static ImageAddress Split(string argument, int colon, Terminal terminal)
    {
        byte[] whole = terminal.ArgumentBytes(argument);
        int inside = System.Text.Encoding.UTF8.GetByteCount(argument.AsSpan(0, colon + 1));
        return new ImageAddress(argument[..colon], inside < whole.Length ? whole.AsMemory(inside) : "/"u8.ToArray());
    }

    // A directory counts, so that the error says that it is one.
    private static bool Exists(string path) => System.IO.Path.Exists(path);
}
