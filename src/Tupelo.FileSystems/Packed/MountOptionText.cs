// The data argument of mount(2): "uid=1000,ro,mode=0555". One reader for all file systems here, so that all are equally strict.
using System.Globalization;

namespace Tupelo.FileSystems;

/// <summary>Takes options off a comma-separated list, one after another.</summary>
internal ref struct MountOptionText(string text)
{
    private ReadOnlySpan<char> _rest = text;

    /// <summary>The next option's name; false at the end. Empty ones ("a,,b") are passed over, as Linux does.</summary>
    public bool TryNext(out ReadOnlySpan<char> name)
    {
        while (!_rest.IsEmpty)
        {
            int comma = _rest.IndexOf(',');
            ReadOnlySpan<char> option = comma < 0 ? _rest : _rest[..comma];
            _rest = comma < 0 ? default : _rest[(comma + 1)..];
            if (option.IsEmpty)
            {
                continue;
            }
            int equals = option.IndexOf('=');
            HasValue = equals >= 0;
            name = HasValue ? option[..equals] : option;
            Value = HasValue ? option[(equals + 1)..] : default;
            return true;
        }
        name = default;
        return false;
    }

    /// <summary>True when the option was written with '='.</summary>
    public bool HasValue { get; private set; }

    /// <summary>What stood behind '='.</summary>
    public ReadOnlySpan<char> Value { get; private set; }

    /// <summary>The value as a decimal number.</summary>
    public readonly bool TryGetNumber(out uint number) => uint.TryParse(Value, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    /// <summary>The value as a decimal number that may be negative.</summary>
    public readonly bool TryGetNumber(out long number) => long.TryParse(Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    /// <summary>The value as octal permission bits, at most 07777.</summary>
    public readonly bool TryGetMode(out uint mode)
    {
        mode = 0;
        if (Value.IsEmpty || Value.Length > 6)
        {
            return false;
        }
        foreach (char digit in Value)
        {
            if (digit is < '0' or > '7')
            {
                return false;
            }
            mode = (mode << 3) | (uint)(digit - '0');
        }
        return mode <= Mode.PermissionMask;
    }
}
