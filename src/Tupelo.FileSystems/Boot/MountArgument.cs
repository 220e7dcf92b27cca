namespace Tupelo.FileSystems;

/// <summary>The argument "type,source,target" with perhaps ",options" behind it, as the command line takes it.</summary>
public static class MountArgument
{
    /// <summary>Three or more comma-separated fields; type and target are not empty. The mount point is made when it is missing.</summary>
    /// <exception cref="MountTableException">It is malformed.</exception>
    public static MountSpec Parse(string text, string origin = "--mount")
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] fields = text.Split(',', 4);
        if (fields.Length < 3 || fields[0].Length == 0 || fields[2].Length == 0)
        {
            throw new MountTableException(origin, $"\"{text}\" is not type,source,target[,options]");
        }
        if (!fields[2].StartsWith('/'))
        {
            throw new MountTableException(origin, $"the mount point \"{fields[2]}\" is not absolute");
        }
        MountOptionList options = MountOptionList.Parse(fields.Length > 3 ? fields[3] : string.Empty);
        return new MountSpec
        {
            Type = fields[0],
            Source = fields[1],
            Target = fields[2],
            Flags = options.Flags,
            Options = options.Data,
            MayFail = options.MayFail,
            MakePointMode = 0x1ED,
            MakeParents = true,
            Origin = origin,
        };
    }
}
