global using Tupelo.Vfs;
