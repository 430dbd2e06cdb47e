package dev.sandlot.app;

import java.io.IOException;
import java.net.http.HttpTimeoutException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** What people are told of failures of files and networks, in one line. */
final class Failures {
    private Failures() {}

    static String describe(IOException failure) {
        return switch (failure) {
            case AccessDeniedException e ->
                "this user may not use " + e.getFile() + "; run it as the user who ran `up`, with sudo for root";
            case NoSuchFileException e -> "there is no " + e.getFile();
            case FileAlreadyExistsException e -> e.getFile() + " is there already";
            case NotDirectoryException e -> e.getFile() + " is not a directory";
            case DirectoryNotEmptyException e -> e.getFile() + " is not empty";
            case FileSystemException e -> e.getFile() + ": " + (e.getReason() == null ? "failed" : e.getReason());
            case CharacterCodingException _ -> "it is not text in UTF-8";
            case HttpTimeoutException _ -> "the server did not answer in time";
            default -> named(failure);
        };
    }

    private static String named(IOException failure) {
        String message = failure.getMessage();
        String kind = failure.getClass().getSimpleName();
        if (message == null) {
            return kind;
        }
        String prefix = IOException.class.getName() + ": ";
        return saysItself(failure) ? message.replaceFirst("^(" + prefix + ")+", "") : kind + ": " + message;
    }

    private static boolean saysItself(IOException failure) {
        return failure.getClass().equals(IOException.class)
                || failure.getClass().getName().startsWith("dev.sandlot.");
    }
}
