using Tupelo.Cli;

return CommandLine.Run(args, Terminal.OfProcess());
